/// Decides what follows from what happened to one run.
///
/// Inputs say what happened; what should be done comes out as ``RunAction``s, and what is to be
/// remembered as ``HistoryEvent``s, both appended to a ``RunOutput``. Pure: time and randomness
/// come in as arguments. This file is the life of a run; extensions hold one concern each:
/// attempts, waits, children, lists, the end, and what operators do.
///
/// Invariants: (run, step, attempt) takes at most one result, and only under the token it was
/// dispatched with; event numbers have no gap; nothing comes out after `.closed`.
public struct RunMachine: Sendable {
    /// The run as it stands.
    public internal(set) var state: RunState
    let limits: RunLimits
    /// Steps of the definition that have not ended.
    var openSteps: Int

    /// Takes up a run, new or read from the store.
    public init(_ state: RunState, limits: RunLimits = .defaults) {
        self.state = state
        self.limits = limits
        openSteps = Self.openSteps(of: state)
    }

    static func openSteps(of state: RunState) -> Int {
        state.steps.prefix(state.plan.ownSteps).count { !$0.state.hasEnded }
    }

    /// Whether every step has ended and only the run's result is missing.
    public var isFinishing: Bool { state.status == .running && openSteps == 0 }

    /// Whether steps may complete and their dependents become ready.
    var isGoing: Bool { state.status == .running || state.status == .paused }

    // MARK: Beginning

    /// The run begins: everything without dependencies may run.
    public mutating func started(at now: Int64, into out: inout RunOutput) {
        if let predecessor = state.extra.value.continuedFrom {
            emit(.runTookOver(input: state.input, from: predecessor), now, &out)
        } else {
            emit(.runStarted(input: state.input), now, &out)
        }
        begin(now, &out)
    }

    /// The run will begin when another one has ended.
    public mutating func queued(at now: Int64, into out: inout RunOutput) {
        emit(.runStarted(input: state.input), now, &out)
        state.status = .queued
        emit(.runQueued, now, &out)
    }

    /// The run that this one waited for has ended. Its own time begins now.
    public mutating func turnCame(at now: Int64, into out: inout RunOutput) {
        guard state.status == .queued else { return }
        state.status = .running
        state.deadlineMillis = state.plan.definition.runTimeoutMillis.map { now &+ $0 }
        emit(.runResumed(reason: "the run before it has ended"), now, &out)
        begin(now, &out)
    }

    private mutating func begin(_ now: Int64, _ out: inout RunOutput) {
        if state.payloadBytes > limits.maxPayloadBytes {
            return fail(Self.tooManyBytes(limits.maxPayloadBytes), now, &out)
        }
        beginSteps(now, &out)
    }

    /// What depends on nothing that is open may run, once the input is known to fit.
    mutating func beginSteps(_ now: Int64, _ out: inout RunOutput) {
        if state.extra.value.isInputUnchecked { return out.actions.append(.checkInput) }
        for step in 0..<state.plan.ownSteps
        where state.steps[step].state == .pending && state.steps[step].waitingFor == 0 {
            ready(step, now, &out)
            if !isGoing { return }
        }
    }

    /// The run's input was held against the definition's contract.
    ///
    /// - Parameter failure: why it does not fit, which fails the run; `nil`: it does.
    public mutating func inputChecked(
        _ failure: StepFailure?, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, state.extra.value.isInputUnchecked else { return }
        if var failure {
            failure.retryable = false
            return fail(failure, now, &out)
        }
        state.extra.value.isInputUnchecked = false
        beginSteps(now, &out)
    }

    /// The run was read from the store after a restart. Attempts that ran in the old process were
    /// lost with it, those of remote instances may still be going; everything else goes on where it
    /// stood.
    public mutating func recovered(at now: Int64, into out: inout RunOutput) {
        guard !state.status.isClosed, state.status != .queued else { return }
        if state.extra.value.isInputUnchecked { out.actions.append(.checkInput) }
        // As they were stored: a step that is lost for good may schedule others on the way, or stop
        // them.
        for (step, stored) in state.steps.map(\.state).enumerated()
        where state.steps[step].state == stored {
            switch stored {
            case .scheduled: place(step, &out)
            case .waitingRetry:
                out.actions.append(
                    .armTimer(step: step, atMillis: state.steps[step].notBeforeMillis))
            case .running where state.steps[step].holder != nil:
                out.actions.append(.awaitHolder(step: step))
            case .running: lose(step, "the server restarted during the attempt", now, &out)
            case .waiting: waitAgain(step, &out)
            case .evaluating: out.actions.append(.evaluate(step: step))
            case .parked: out.actions.append(.park(step: step))
            case .pending, .completed, .failed, .skipped, .cancelled: break
            }
            if state.status.isClosed { return }
        }
        if isFinishing { out.actions.append(.prepareResult) }
    }

    // MARK: The result

    /// The result is rendered; `newBytes` is 0 when it shares the payload of a step.
    public mutating func resultPrepared(
        _ result: PayloadID, newBytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isFinishing else { return }
        if state.payloadBytes + newBytes > limits.maxPayloadBytes {
            return fail(Self.tooManyBytes(limits.maxPayloadBytes), now, &out)
        }
        state.payloadBytes += newBytes
        state.result = result
        emit(.runCompleted(result: result), now, &out)
        close(.completed, now, &out)
    }

    /// The result could not be rendered: the run fails.
    public mutating func resultPreparationFailed(
        _ failure: StepFailure, at now: Int64, into out: inout RunOutput
    ) {
        guard isFinishing else { return }
        fail(failure, now, &out)
    }

    // MARK: From step to step

    /// Everything that the step depends on has ended.
    mutating func ready(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        guard state.plan.steps[step].condition == nil else {
            state.steps[step].state = .evaluating
            return out.actions.append(.evaluate(step: step))
        }
        begin(step, now, &out)
    }

    mutating func begin(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        switch state.plan.steps[step].definition.kind {
        case .invoke, .publish, .child, .fanOut, .ballot: schedule(step, notBefore: now, now, &out)
        case .wait(let spec): wait(step, spec, now, &out)
        case .approval(let spec): request(step, spec, now, &out)
        case .continueAsNew:
            let earliest = state.startedMillis &+ Self.shortestLifeMillis
            schedule(step, notBefore: max(now, earliest), now, &out)
        }
    }

    /// The next attempt of a step begins to be made, now or later.
    mutating func schedule(
        _ step: Int, notBefore: Int64, _ now: Int64, _ out: inout RunOutput
    ) {
        countAttempt(step, now)
        state.steps[step].notBeforeMillis = notBefore
        let attempt = state.steps[step].attempt
        emit(
            .stepScheduled(step: id(step), attempt: attempt, notBefore: notBefore), now, &out)
        if notBefore > now {
            state.steps[step].state = .waitingRetry
            out.actions.append(.armTimer(step: step, atMillis: notBefore))
        } else {
            state.steps[step].state = .scheduled
            place(step, &out)
        }
    }

    mutating func countAttempt(_ step: Int, _ now: Int64) {
        state.steps[step].attempt += 1
        state.steps[step].token = nil
        state.steps[step].holder = nil
        guard state.work(of: step).definition.scheduleToCloseMillis != nil,
            state.steps[step].extra.value.readyMillis == 0
        else { return }
        state.steps[step].extra.value.readyMillis = now
    }

    /// A scheduled step looks for an agent, unless the run is paused.
    func place(_ step: Int, _ out: inout RunOutput) {
        if state.status != .paused { out.actions.append(.schedule(step: step)) }
    }

    mutating func complete(
        _ step: Int, output: PayloadID?, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].state = .completed
        state.steps[step].output = output
        state.steps[step].failure = nil
        let attempt = state.steps[step].attempt
        emit(
            .stepCompleted(step: id(step), attempt: attempt, output: output ?? .none), now, &out)
        if step < state.plan.ownSteps, state.plan.steps[step].compensation != nil {
            state.steps[step].extra.value.committedSequence = state.lastSequence
        }
        ended(step, now, &out)
    }

    /// A step has completed or failed without failing the run: what waited for it may run.
    mutating func ended(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        endAttempt(step, now)
        if step >= state.plan.ownSteps { return partEnded(step, now, &out) }
        for dependent in state.plan.steps[step].dependents {
            state.steps[dependent].waitingFor -= 1
            if state.steps[dependent].waitingFor == 0, state.steps[dependent].state == .pending {
                ready(dependent, now, &out)
            }
        }
        if isFinishing { out.actions.append(.prepareResult) }
    }

    /// The step has ended for good: nobody holds it any more.
    mutating func endAttempt(_ step: Int, _ now: Int64) {
        state.steps[step].token = nil
        state.steps[step].holder = nil
        state.steps[step].heartbeat = nil
        state.steps[step].endedMillis = now
        if step < state.plan.ownSteps { openSteps -= 1 }
    }

    private mutating func partEnded(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        if step >= state.plan.steps.count { return itemEnded(step, now, &out) }
        if state.steps[step].state == .failed { state.extra.value.compensation = .failed }
        compensateNext(now, &out)
    }

    // MARK: Parts

    func id(_ step: Int) -> String { state.name(of: step) }

    mutating func emit(_ kind: HistoryEventKind, _ now: Int64, _ out: inout RunOutput) {
        state.lastSequence += 1
        out.events.append(HistoryEvent(sequence: state.lastSequence, atMillis: now, kind: kind))
    }

    /// Another attempt adds at most three events; what every step needs to end is kept free.
    var hasRoomForAttempt: Bool {
        state.historyBytes < limits.maxHistoryBytes
            && state.lastSequence + 3 * Int64(state.steps.count + 1) + 8 < limits.maxEvents
    }

    /// The events that the last batch added take so many bytes as they are stored.
    public mutating func historyGrew(by bytes: Int) { state.historyBytes += bytes }

    /// Why a run that has used up its history cannot do what it wanted next.
    func historyLimit(_ what: String) -> StepFailure {
        StepFailure(
            type: "history_limit",
            message: "the run's history has \(state.lastSequence) events in "
                + "\(state.historyBytes) bytes; \(limits.maxEvents) and \(limits.maxHistoryBytes) are "
                + "its limits, and what open steps need to end is kept free. Continue as a new run "
                + "before, or use child runs. \(what)", retryable: false
        ).bounded
    }

    static func tooManyBytes(_ limit: Int) -> StepFailure {
        StepFailure(
            type: "run_too_large",
            message: "the run's payloads pass its limit of \(limit) bytes; hand on references "
                + "instead of data, or split the workflow", retryable: false)
    }
}
