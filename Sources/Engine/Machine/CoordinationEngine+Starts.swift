import Coordination

/// Steps that start or feed other runs: when they may, and how many.
extension CoordinationEngine {
    // MARK: Room

    /// Whether a step may start or feed other runs in the filling batch. They may do the same, so
    /// without a bound one command could fill the memory in one turn.
    var hasRoomForParts: Bool { draft.starts < limits.maxStartsPerBatch }

    /// The step goes on now, or when a batch has room for the runs that it starts or feeds.
    mutating func preparePart(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        switch state.plan.steps[step].definition.kind {
        case .fanOut, .continueAsNew, .ballot: return startPart(run, step)
        default: break
        }
        if hasRoomForParts, waitingParts.isEmpty { return startPart(run, step) }
        waitingParts.append(
            WaitingParts.Part(
                place: StepPlace(run: state.id, step: step), attempt: state.steps[step].attempt))
    }

    /// Takes steps that wait, as far as the filling batch has room.
    mutating func takeWaitingParts() {
        while hasRoomForParts, let part = waitingParts.popFirst() {
            guard let run = scheduled(part.place, attempt: part.attempt) else { continue }
            startPart(run, part.place.step)
            settle()
        }
    }

    // MARK: Bounds

    /// Every receiver stores the event as its own, since it may outlive the others.
    mutating func refusal(ofReceivers count: Int, _ payload: Payload) -> StepFailure? {
        let bytes = count.multipliedReportingOverflow(by: payload.bytes.count)
        let isTooLarge = bytes.overflow || bytes.partialValue > limits.maxReceivedBytes
        guard count > limits.maxReceivers || isTooLarge else { return nil }
        return .tooManyReceivers(count, limits)
    }

    /// The run from which a run's own descend.
    mutating func root(of run: Int32) -> RunID { runs[run].root ?? runs[run].machine.state.id }

    /// Why a run may not start so many more.
    mutating func refusal(ofStarting count: Int, by run: Int32) -> StepFailure? {
        if count == 0 { return nil }
        if openRuns + count > limits.maxOpenRuns { return .tooManyRuns(limits.maxOpenRuns) }
        let family = descendants[root(of: run), default: 0]
        if family + count > limits.maxDescendants {
            return .tooManyDescendants(limits.maxDescendants)
        }
        return nil
    }

    /// A run counts among those that descend from another.
    mutating func joinFamily(_ run: Int32, of root: RunID) {
        runs[run].root = root
        descendants[root, default: 0] += 1
    }

    /// It has ended.
    mutating func leaveFamily(_ run: Int32) {
        guard let root = runs[run].root, let count = descendants[root] else { return }
        runs[run].root = nil
        descendants[root] = count > 1 ? count - 1 : nil
    }

    /// A restored child counts among its parent's, which has been restored before it.
    mutating func rejoinFamily(_ run: Int32) {
        guard let parent = runs[run].machine.state.extra.value.parent,
            let above = runIndex[parent.run]
        else { return }
        joinFamily(run, of: root(of: above))
    }
}

extension StepFailure {
    static func tooManyRuns(_ limit: Int) -> StepFailure {
        StepFailure(
            type: "too_many_runs", message: "\(limit) runs are open, the limit of this server",
            retryable: false)
    }

    static func tooManyDescendants(_ limit: Int) -> StepFailure {
        StepFailure(
            type: "too_many_runs",
            message: "\(limit) open runs descend from the run that began this already; does a "
                + "workflow start itself?", retryable: false)
    }

    static func tooManyReceivers(_ count: Int, _ limits: EngineLimits) -> StepFailure {
        StepFailure(
            type: "too_many_receivers",
            message: "\(count) runs would get the event; at most \(limits.maxReceivers) may, and "
                + "\(limits.maxReceivedBytes) bytes together: publish a smaller event, or to fewer",
            retryable: false)
    }
}
