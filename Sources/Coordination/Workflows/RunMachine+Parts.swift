/// Steps that others work for: events, children, lists.
extension RunMachine {
    /// The step that an engine's answer is about, if it still stands where it was asked.
    public func isScheduled(_ step: Int, attempt: Int) -> Bool {
        state.steps.indices.contains(step) && state.steps[step].state == .scheduled
            && state.steps[step].attempt == attempt
    }

    /// A `publish` step's event has gone to `receivers` runs.
    public mutating func published(
        _ step: Int, eventType: String, receivers: Int, payload: PayloadID, bytes: Int,
        at now: Int64, into out: inout RunOutput
    ) {
        guard state.steps[step].state == .scheduled else { return }
        if let failure = refusal(ofOutputBytes: bytes) { return giveUp(step, failure, now, &out) }
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        state.payloadBytes += bytes
        emit(
            .eventPublished(step: id(step), eventType: eventType, receivers: receivers), now, &out)
        complete(step, output: payload, now, &out)
    }

    // MARK: Ballots

    /// A `ballot` step's voters have decided.
    public mutating func decided(
        _ step: Int, _ output: PayloadID, bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, state.steps[step].state == .scheduled else { return }
        if let failure = refusal(ofOutputBytes: bytes) { return giveUp(step, failure, now, &out) }
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        state.payloadBytes += bytes
        complete(step, output: output, now, &out)
    }

    /// They have not, or could not be asked: the attempt failed.
    public mutating func undecided(
        _ step: Int, _ failure: StepFailure, at now: Int64, random: UInt64,
        into out: inout RunOutput
    ) {
        guard isGoing, state.steps[step].state == .scheduled else { return }
        attemptFailed(step, failure.bounded, now, random: random, &out)
    }

    // MARK: Children

    /// A `child` step's run has begun.
    public mutating func childStarted(
        _ step: Int, _ child: RunID, at now: Int64, into out: inout RunOutput
    ) {
        guard state.steps[step].state == .scheduled else { return }
        state.steps[step].state = .waiting
        state.steps[step].notBeforeMillis = deadline(of: step) ?? 0
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        state.steps[step].extra.value.child = child
        // Of a run before this one, whose result nobody could use.
        state.steps[step].extra.value.childResult = nil
        let attempt = state.steps[step].attempt
        emit(.childStarted(step: id(step), attempt: attempt, child: child), now, &out)
        armDeadline(of: step, &out)
    }

    /// A step that waits for a child waits no longer than all its attempts may take.
    func armDeadline(of step: Int, _ out: inout RunOutput) {
        guard let limit = deadline(of: step) else { return }
        out.actions.append(.armTimer(step: step, atMillis: limit))
    }

    /// The time of all attempts is over before the child has ended.
    mutating func childOverdue(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        // A result that has come is put together, however long that takes.
        guard isGoing, !isCollecting(step) else { return }
        closeChild(of: step, &out)
        giveUp(step, overdue(step), now, &out)
    }

    /// A child has ended. Its result, which belongs to it, is copied before the step completes.
    public mutating func childEnded(
        _ step: Int, _ child: RunSummary, result: PayloadID?, at now: Int64, random: UInt64,
        into out: inout RunOutput
    ) {
        guard isGoing, state.steps.indices.contains(step), state.steps[step].state == .waiting,
            state.steps[step].extra.value.child == child.id
        else { return }
        emit(
            .childEnded(
                step: id(step), attempt: state.steps[step].attempt, child: child.id,
                status: child.status), now, &out)
        if deadline(of: step) != nil {
            state.steps[step].notBeforeMillis = 0
            out.actions.append(.stop(step: step))
        }
        if child.status == .completed, let result {
            state.steps[step].extra.value.childResult = result
            out.actions.append(.collect(step: step))
            return
        }
        let why = child.failure.map { ": \($0.message)" } ?? ""
        let failure = StepFailure(
            type: "child_\(child.status)",
            message: "run \(child.id) ended as \(child.status)\(why)",
            retryable: true)
        attemptFailed(step, failure.bounded, now, random: random, &out)
    }

    /// The condition that ends a loop does not hold: the child runs again, on its own result, or has
    /// run often enough.
    public mutating func childRepeats(_ step: Int, at now: Int64, into out: inout RunOutput) {
        guard isGoing, isCollecting(step),
            case .child(let spec) = state.plan.steps[step].definition.kind, let loop = spec.loop
        else { return }
        state.steps[step].extra.value.rounds += 1
        let rounds = state.steps[step].extra.value.rounds
        guard rounds >= loop.times || hasRoomForAttempt else {
            return giveUp(step, historyLimit("\(rounds) runs are done."), now, &out)
        }
        guard rounds < loop.times else {
            return giveUp(
                step,
                StepFailure(
                    type: "repeat_exhausted",
                    message: "\(loop.until) does not hold after \(rounds) runs of "
                        + "\"\(spec.workflow)\"", retryable: false
                ).bounded, now, &out)
        }
        state.steps[step].extra.value.input = state.steps[step].extra.value.childResult
        state.steps[step].extra.value.childResult = nil
        schedule(step, notBefore: now, now, &out)
    }

    /// Whoever stops a step stops its child with it, as the definition says.
    func closeChild(of step: Int, _ out: inout RunOutput) {
        guard state.steps[step].state == .waiting, step < state.plan.ownSteps,
            case .child(let spec) = state.plan.steps[step].definition.kind,
            let child = state.steps[step].extra.value.child,
            state.steps[step].extra.value.childResult == nil
        else { return }
        out.actions.append(.closeChild(child, spec.onParentClose))
    }

    // MARK: Lists

    /// A `fan_out` step's list is known: as many elements as may work at once begin.
    public mutating func listed(
        _ step: Int, _ elements: [PayloadID], bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard state.steps[step].state == .scheduled,
            case .fanOut(let spec) = state.plan.steps[step].definition.kind
        else { return }
        if let failure = refusal(ofList: elements.count, bytes: bytes, width: spec.width) {
            return giveUp(step, failure, now, &out)
        }
        state.payloadBytes += bytes
        state.steps[step].state = .waiting
        state.steps[step].notBeforeMillis = 0
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        emit(
            .listStarted(
                step: id(step), attempt: state.steps[step].attempt, elements: elements.count),
            now, &out)
        state.steps[step].extra.value.firstItem = state.steps.count
        state.steps[step].extra.value.itemsBegun = 0
        state.steps[step].extra.value.itemsOpen = elements.count
        for (index, element) in elements.enumerated() {
            var item = StepRecord(waitingFor: 0)
            item.extra.value.owner = step
            item.extra.value.index = index
            item.extra.value.input = element
            state.steps.append(item)
        }
        goOn(withList: step, now, &out)
    }

    /// As many elements as may work at once begin.
    mutating func goOn(withList step: Int, _ now: Int64, _ out: inout RunOutput) {
        guard case .fanOut(let spec) = state.plan.steps[step].definition.kind else { return }
        let left = state.steps[step].extra.value.itemsOpen
        if left == 0 { out.actions.append(.collect(step: step)) }
        for _ in 0..<min(spec.concurrency, left) { beginNextItem(of: step, now, &out) }
    }

    /// Every element needs three events of the run's history and more for each retry.
    private func refusal(ofList count: Int, bytes: Int, width: Int) -> StepFailure? {
        if count > width {
            return StepFailure(
                type: "list_too_long",
                message: "the list has \(count) elements, the step takes \(width); split it",
                retryable: false)
        }
        if state.payloadBytes + bytes > limits.maxPayloadBytes {
            return Self.tooManyBytes(limits.maxPayloadBytes)
        }
        let events = state.lastSequence + 3 * Int64(state.steps.count + count + 1) + 8
        if events >= limits.maxEvents || state.historyBytes >= limits.maxHistoryBytes {
            return historyLimit("The list has \(count) elements.")
        }
        return nil
    }

    private mutating func beginNextItem(of step: Int, _ now: Int64, _ out: inout RunOutput) {
        var next = state.steps[step].extra.value.firstItem
        next &+= state.steps[step].extra.value.itemsBegun
        while state.steps.indices.contains(next), next >= state.plan.steps.count,
            state.steps[next].extra.value.owner == step
        {
            state.steps[step].extra.value.itemsBegun += 1
            // One that completed before the run was tried again is passed over.
            if state.steps[next].state == .pending {
                return schedule(next, notBefore: now, now, &out)
            }
            next += 1
        }
    }

    /// One element has ended, well or not; the next one's turn, or the whole is put together.
    mutating func itemEnded(_ item: Int, _ now: Int64, _ out: inout RunOutput) {
        let step = state.steps[item].extra.value.owner
        guard state.steps[step].state == .waiting else { return }
        state.steps[step].extra.value.itemsOpen -= 1
        if state.steps[step].extra.value.itemsOpen == 0 {
            out.actions.append(.collect(step: step))
        } else {
            beginNextItem(of: step, now, &out)
        }
    }

    // MARK: What was put together

    /// The output of a step that others worked for is made.
    public mutating func collected(
        _ step: Int, _ output: PayloadID, bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, isCollecting(step) else { return }
        if let failure = refusal(ofOutputBytes: bytes) { return giveUp(step, failure, now, &out) }
        state.payloadBytes += bytes
        dropItems(of: step)
        complete(step, output: output, now, &out)
    }

    /// It could not be made.
    public mutating func collectionFailed(
        _ step: Int, _ failure: StepFailure, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, isCollecting(step) else { return }
        giveUp(step, failure, now, &out)
    }

    /// Whether the step waits for nothing but its output to be put together.
    public func isCollecting(_ step: Int) -> Bool {
        guard state.steps.indices.contains(step), state.steps[step].state == .waiting else {
            return false
        }
        let extra = state.steps[step].extra.value
        switch state.plan.steps[step].definition.kind {
        case .child: return extra.childResult != nil
        case .fanOut: return extra.itemsOpen == 0
        case .invoke, .wait, .approval, .publish, .continueAsNew, .ballot: return false
        }
    }

    /// Elements that nobody will ask for again leave the state, when no other list lies behind.
    private mutating func dropItems(of step: Int) {
        while state.steps.count > state.plan.steps.count,
            state.steps[state.steps.count - 1].extra.value.owner == step
        {
            state.steps.removeLast()
        }
    }
}
