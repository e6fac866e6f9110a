import Coordination

/// Why a run does not move: every open step's cause, and those of the runs it waits for.
extension CoordinationEngine {
    /// Causes that one answer holds.
    static let maxCauses = 1_000

    mutating func explain(_ reference: RunReference, _ ticket: ReplyTicket) {
        guard let run = find(reference) else {
            ready.lookups.append(
                RunLookup(reference: reference, purpose: .explain, ticket: ticket))
            return
        }
        let summary = runs[run].machine.state.summary
        answer(ticket, .insight(.explained(summary, causes(of: run))), seen: newest)
    }

    /// In the order of the steps, a child's causes behind its step.
    mutating func causes(of run: Int32) -> [RunCause] {
        var causes: [RunCause] = []
        addCauses(of: run, depth: 0, &causes)
        return causes
    }

    private mutating func addCauses(of run: Int32, depth: Int, _ causes: inout [RunCause]) {
        let state = runs[run].machine.state
        if let cause = causeOfWhole(run, state) { causes.append(cause) }
        if state.status == .queued || state.status.isClosed { return }
        for step in state.steps.indices where isOpen(step, state) {
            if causes.count >= Self.maxCauses { return }
            causes.append(cause(run, step, state))
            guard depth < limits.run.maxDepth, state.steps[step].state == .waiting,
                let child = state.steps[step].extra.value.child, let open = runIndex[child]
            else { continue }
            addCauses(of: open, depth: depth + 1, &causes)
        }
    }

    /// Compensations that nothing has asked for, and room of a list that is free, wait for nothing.
    private mutating func isOpen(_ step: Int, _ state: RunState) -> Bool {
        let record = state.steps[step]
        if record.state.hasEnded { return false }
        return step < state.plan.ownSteps || record.attempt > 0 || record.state != .pending
    }

    private mutating func causeOfWhole(_ run: Int32, _ state: RunState) -> RunCause? {
        func cause(_ message: String, waitsFor: [String] = []) -> RunCause {
            RunCause(run: state.id, step: "", kind: .run, message: message, waitsFor: waitsFor)
        }
        switch state.status {
        case .paused:
            let reason = state.extra.value.reason
            return cause("the run is paused" + (reason.isEmpty ? "" : ": \(reason)"))
        case .compensating: return cause("what the run did is being undone")
        case .queued: return causeOfQueue(run, state)
        case .running:
            return runs[run].machine.isFinishing ? cause("its result is being made") : nil
        case .completed, .failed, .cancelled, .timedOut, .terminated, .continuedAsNew:
            return cause("the run has ended as \(state.status)")
        }
    }

    private mutating func causeOfQueue(_ run: Int32, _ state: RunState) -> RunCause? {
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        guard let active = workflowIndex[name] else { return nil }
        let other = runs[active].machine.state.id.description
        var cause = RunCause(
            run: state.id, step: "", kind: .run,
            message: "the run begins when run \(other) of the same workflow id has ended",
            waitsFor: [other])
        cause.position = runs[active].followers.firstIndex(of: run) ?? 0
        return cause
    }

    private mutating func cause(_ run: Int32, _ step: Int, _ state: RunState) -> RunCause {
        let record = state.steps[step]
        var cause = RunCause(
            run: state.id, step: state.name(of: step), kind: .preparation, message: "")
        switch record.state {
        case .pending: explainPending(step, state, &cause)
        case .waitingRetry: explainRetry(step, state, &cause)
        case .parked:
            cause.kind = .parked
            cause.message = "has used up its attempts; requeue or discard it"
        case .scheduled: explainScheduled(run, step, state, &cause)
        case .running: explainRunning(run, step, state, &cause)
        case .waiting: explainWaiting(run, step, state, &cause)
        default: cause.message = "is being decided"
        }
        return cause
    }

    private mutating func explainRetry(_ step: Int, _ state: RunState, _ cause: inout RunCause) {
        let record = state.steps[step]
        cause.untilMillis = max(1, record.notBeforeMillis)
        if case .continueAsNew = state.work(of: step).definition.kind {
            cause.kind = .wait
            cause.message = "a run is continued when it is a second old"
            return
        }
        cause.kind = .retry
        let why = record.failure.map { " after \($0.type): \($0.message)" } ?? ""
        cause.message = "attempt \(record.attempt) is due later\(why)"
    }

    private mutating func explainPending(_ step: Int, _ state: RunState, _ cause: inout RunCause) {
        let open = state.work(of: step).dependencies.filter { !state.steps[$0].state.hasEnded }
        if open.isEmpty {
            cause.kind = .run
            cause.message = "is ready and begins when the run goes on"
            return
        }
        cause.kind = .dependency
        cause.waitsFor = open.map { state.name(of: $0) }
        cause.message = "waits for " + cause.waitsFor.joined(separator: ", ")
    }

    private mutating func explainRunning(
        _ run: Int32, _ step: Int, _ state: RunState, _ cause: inout RunCause
    ) {
        let job = runs[run].steps[step].job
        let attempt = state.steps[step].attempt
        if job >= 0, jobs[job].phase == .orphaned {
            let agent = state.steps[step].holder?.agent.description ?? "?"
            cause.kind = .noAgent
            cause.message =
                "instance \"\(agent)\" has not come back since the server's restart; attempt "
                + "\(attempt) waits for it as long as its lease"
            cause.untilMillis = wallMillis(atNanos: jobs[job].dueNanos)
        } else if job >= 0, jobs[job].agent >= 0, jobs[job].phase == .running {
            explainAttempt(run, job, attempt, &cause)
        } else {
            cause.message = "the start of attempt \(attempt) is being written"
        }
    }

    private mutating func explainAttempt(
        _ run: Int32, _ job: Int32, _ attempt: Int, _ cause: inout RunCause
    ) {
        let agent = jobs[job].agent
        let name = pool.id(of: agent).description
        let session = pool.session(of: agent)
        var end = awaited(run, until: jobs[job].dueNanos)
        cause.waitsFor = [name]
        if session >= 0, pool.holds(of: agent).contains(.disconnected) {
            cause.kind = .noAgent
            cause.message =
                "the connection of instance \"\(name)\" has broken; attempt \(attempt) waits for it as "
                + "long as its lease"
            end = min(end, sessions[session].machine.expiresAtNanos)
        } else {
            cause.kind = .attempt
            cause.message = "instance \"\(name)\" works on attempt \(attempt)"
        }
        cause.untilMillis = wallMillis(atNanos: end)
    }

    private mutating func explainWaiting(
        _ run: Int32, _ step: Int, _ state: RunState, _ cause: inout RunCause
    ) {
        let record = state.steps[step]
        cause.untilMillis = record.notBeforeMillis
        cause.kind = .wait
        if runs[run].machine.isCollecting(step) {
            cause.kind = .preparation
            cause.message = "its output is put together"
            return
        }
        switch state.work(of: step).definition.kind {
        case .wait(let spec) where !spec.signal.isEmpty:
            cause.waitsFor = [spec.signal]
            cause.message = "waits for signal \"\(spec.signal)\""
        case .wait(let spec) where !spec.eventType.isEmpty:
            cause.waitsFor = [spec.eventType]
            cause.message = "waits for an event of type \"\(spec.eventType)\""
        case .approval(let spec):
            cause.kind = .decision
            cause.waitsFor = spec.assignees
            let who = spec.assignees.isEmpty ? "anybody" : spec.assignees.joined(separator: ", ")
            cause.message = "waits for a decision of \(who)"
        case .child:
            cause.kind = .child
            cause.waitsFor = record.extra.value.child.map { [$0.description] } ?? []
            cause.message = "waits for run " + cause.waitsFor.joined()
        case .fanOut:
            cause.kind = .elements
            cause.message = "waits for \(record.extra.value.itemsOpen) elements of its list"
        case .wait, .invoke, .publish, .continueAsNew, .ballot: cause.message = "waits for its time"
        }
    }
}
