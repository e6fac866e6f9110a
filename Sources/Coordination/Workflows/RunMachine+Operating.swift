/// What operators do to a run: pause it, let it go on, try what failed again.
extension RunMachine {
    /// Nothing new begins from now on; attempts that run go on, waits and timers too.
    public mutating func paused(reason: String, at now: Int64, into out: inout RunOutput) {
        guard state.status == .running, hasRoomForAttempt else { return }
        state.status = .paused
        let kept = reason.prefix(bytes: StepFailure.maxMessageBytes)
        state.extra.value.reason = kept
        emit(.runPaused(reason: kept), now, &out)
        for step in state.steps.indices where state.steps[step].state == .scheduled {
            out.actions.append(.hold(step: step))
        }
    }

    /// What was held may begin; steps that paused the run when they were exhausted try again.
    public mutating func resumed(reason: String, at now: Int64, into out: inout RunOutput) {
        guard state.status == .paused else { return }
        state.status = .running
        state.extra.value.reason = ""
        emit(
            .runResumed(reason: reason.prefix(bytes: StepFailure.maxMessageBytes)), now, &out)
        for step in state.steps.indices {
            switch state.steps[step].state {
            case .scheduled:
                state.steps[step].notBeforeMillis = now
                place(step, &out)
            case .parked where state.plan.steps[step].definition.onExhausted == .pause:
                requeued(step, at: now, into: &out)
            default: break
            }
        }
        if isFinishing { out.actions.append(.prepareResult) }
    }

    /// A parked step tries again, with all its attempts anew.
    public mutating func requeued(_ step: Int, at now: Int64, into out: inout RunOutput) {
        guard isGoing, state.steps[step].state == .parked else { return }
        state.steps[step].failures = 0
        state.steps[step].losses = 0
        state.steps[step].extra.value.readyMillis = 0
        state.steps[step].extra.value.usesFallback = false
        // A child that is repeated begins its rounds anew.
        state.steps[step].extra.value.rounds = 0
        state.steps[step].extra.value.input = nil
        state.steps[step].extra.value.childResult = nil
        emit(.stepRequeued(step: id(step)), now, &out)
        ready(step, now, &out)
    }

    /// A parked step is given up: it fails now.
    public mutating func discarded(_ step: Int, at now: Int64, into out: inout RunOutput) {
        guard isGoing, state.steps[step].state == .parked else { return }
        let failure =
            state.steps[step].failure
            ?? StepFailure(type: "discarded", message: "given up", retryable: false)
        giveUpParked(step, failure, now, &out)
    }

    private mutating func giveUpParked(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        emit(
            .stepFailed(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: false), now, &out)
        stepFailed(step, failure, now, &out)
    }

    /// Why a closed run cannot be tried again.
    public enum RetryRefusal: Sendable, Hashable {
        /// It has not ended.
        case open
        /// It completed: there is nothing to try again.
        case completed
        /// Its successor has taken its place.
        case continued
        /// What it did was undone, so that its results do not hold any more.
        case undone
        /// Its history has no room.
        case runFull
    }

    /// Whether the run can be tried again.
    public var refusalOfRetry: RetryRefusal? {
        if !state.status.isClosed { return .open }
        if state.status == .completed { return .completed }
        if state.status == .continuedAsNew { return .continued }
        if state.extra.value.compensation != .none { return .undone }
        return hasRoomForAttempt ? nil : .runFull
    }

    /// A closed run goes on: failed steps are tried again, completed results are kept. Its own
    /// time begins anew.
    public mutating func retried(reason: String, at now: Int64, into out: inout RunOutput) {
        guard refusalOfRetry == nil else { return }
        emit(.runRetried(reason: reason.prefix(bytes: StepFailure.maxMessageBytes)), now, &out)
        state.status = .running
        state.closedMillis = nil
        state.failure = nil
        state.extra.value.reason = ""
        state.deadlineMillis = state.plan.definition.runTimeoutMillis.map { now &+ $0 }
        let lists = resetSteps()
        countDependencies()
        openSteps = Self.openSteps(of: state)
        beginSteps(now, &out)
        for step in lists { goOn(withList: step, now, &out) }
        if isFinishing { out.actions.append(.prepareResult) }
    }

    /// Makes what is to be tried again as it was before it began, but for lists that go on.
    ///
    /// - Returns: those lists.
    private mutating func resetSteps() -> [Int] {
        let again = state.plan.steps.indices.filter { isToBeTriedAgain($0) }
        let lists = again.filter { isListKept($0, again) }
        let items = Array(state.steps[state.plan.steps.count...])
        state.steps.removeLast(items.count)
        for step in again {
            if lists.contains(step) { takeUpList(step, items) } else { reset(step) }
        }
        return lists
    }

    /// Whether a list that had not ended goes on: it would be the same if it was made again.
    private func isListKept(_ step: Int, _ again: [Int]) -> Bool {
        let planned = state.plan.steps[step]
        guard planned.item != nil, state.steps[step].state == .cancelled,
            state.steps[step].extra.value.firstItem >= state.plan.steps.count
        else { return false }
        let named = (planned.input?.stepIDs ?? []).compactMap { state.plan.index(of: $0) }
        return !(planned.dependencies + named).contains { again.contains($0) }
    }

    /// What its elements completed is kept; the others are as they were before they began.
    private mutating func takeUpList(_ step: Int, _ items: [StepRecord]) {
        let first = state.steps[step].extra.value.firstItem - state.plan.steps.count
        state.steps[step].state = .waiting
        state.steps[step].endedMillis = nil
        state.steps[step].failure = nil
        state.steps[step].extra.value.firstItem = state.steps.count
        state.steps[step].extra.value.itemsBegun = 0
        state.steps[step].extra.value.itemsOpen = 0
        for item in items.dropFirst(first) where item.extra.value.owner == step {
            state.steps.append(item)
            if item.state == .completed { continue }
            reset(state.steps.count - 1)
            state.steps[state.steps.count - 1].extra.value.owner = step
            state.steps[state.steps.count - 1].extra.value.index = item.extra.value.index
            state.steps[state.steps.count - 1].extra.value.input = item.extra.value.input
            state.steps[step].extra.value.itemsOpen += 1
        }
    }

    /// A step that others have built on already stays as it is: its failure did not matter.
    private func isToBeTriedAgain(_ step: Int) -> Bool {
        switch state.steps[step].state {
        case .failed, .cancelled, .skipped:
            !state.plan.steps[step].dependents.contains { state.steps[$0].state == .completed }
        default: false
        }
    }

    private mutating func reset(_ step: Int) {
        // The number of attempts goes on, so that none is ever used twice.
        var record = StepRecord(waitingFor: 0)
        record.attempt = state.steps[step].attempt
        record.startedMillis = state.steps[step].startedMillis
        state.steps[step] = record
    }

    private mutating func countDependencies() {
        for step in state.plan.steps.indices {
            state.steps[step].waitingFor = state.plan.steps[step].dependencies.count {
                !state.steps[$0].state.hasEnded
            }
        }
    }
}
