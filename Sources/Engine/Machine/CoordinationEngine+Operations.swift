import Coordination

/// What operators and clients do to runs: signals, decisions, pauses, ends, retries.
extension CoordinationEngine {
    mutating func operate(_ order: OperateRun, _ ticket: ReplyTicket) {
        switch rememberedAnswer(order.requestKey, hash: order.contentHash) {
        case .known(let bytes, let seen): return operatedBefore(bytes, order, ticket, seen: seen)
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .new: break
        }
        if isDraining, order.operation.isSignal { return reject(ticket, .draining) }
        guard let run = find(order.run) else { return load(order, ticket) }
        let seen = runs[run].changedIn
        if needsSpace(order.operation, run) { return reject(ticket, .diskFull, seen: seen) }
        if let refusal = apply(order.operation, run) {
            return reject(ticket, refusal, seen: seen)
        }
        let summary = runs[run].machine.state.summary
        remember(
            order.requestKey, hash: order.contentHash, answer: StartedAnswer.encode(summary.id))
        let isStored = !order.requestID.isEmpty
        answer(ticket, .operated(summary), seen: isStored ? filling : runs[run].changedIn)
    }

    /// Whether an operation asks for room that there is not: a signal that would only be kept. One
    /// that a step waits for lets its run go on, to its end.
    private mutating func needsSpace(_ operation: RunOperation, _ run: Int32) -> Bool {
        guard isDiskFull || isLowOnSpace, case .signal(let signal) = operation else { return false }
        return !runs[run].machine.awaits(signal: signal.name)
    }

    /// A repeat: how the run stands now.
    private mutating func operatedBefore(
        _ remembered: [UInt8], _ order: OperateRun, _ ticket: ReplyTicket, seen: BatchNumber
    ) {
        let id: RunID
        do throws(CodecError) {
            id = try StartedAnswer.decode(remembered)
        } catch {
            return reject(ticket, .unreadableAnswer(error), seen: seen)
        }
        if let run = runIndex[id] {
            let summary = runs[run].machine.state.summary
            return answer(ticket, .operated(summary), seen: max(seen, runs[run].changedIn))
        }
        let reference = RunReference.run(order.run.namespace, id)
        look(RunLookup(reference: reference, purpose: .operated, ticket: ticket), seen: seen)
    }

    /// The run has ended, or never was: the store knows. Only a retry needs all of it, once.
    private mutating func load(_ order: OperateRun, _ ticket: ReplyTicket) {
        if case .retry = order.operation, case .run(_, let id) = order.run {
            guard loading.insert(id).inserted else {
                return reject(ticket, .runChanging(id))
            }
        }
        ready.lookups.append(
            RunLookup(reference: order.run, purpose: .operate(order), ticket: ticket))
    }

    /// Does what is asked of a run in memory, or says why not.
    private mutating func apply(_ operation: RunOperation, _ run: Int32) -> Rejection? {
        switch operation {
        case .signal(let signal): signalRun(run, signal)
        case .decide(let decision): decide(run, decision)
        case .pause(let reason): pause(run, reason)
        case .resume(let reason): resume(run, reason)
        case .terminate(let reason): terminate(run, reason)
        case .retry: retryOpen(run)
        case .requeue(let step): releaseParked(run, step, isDiscarded: false)
        case .discard(let step): releaseParked(run, step, isDiscarded: true)
        }
    }

    mutating func signalRun(_ run: Int32, _ signal: RunSignal) -> Rejection? {
        let bytes = signal.payload.bytes.count
        let state = runs[run].machine.state
        if let refusal = runs[run].machine.refusal(ofSignal: signal.name, bytes: bytes) {
            return .signalRefused(refusal, state.summary)
        }
        let id = newPayload(signal.payload, run: state.id)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.signalled(signal.name, id, bytes: bytes, at: at, into: &out)
        }
        return nil
    }

    private mutating func decide(_ run: Int32, _ decision: ApprovalAnswer) -> Rejection? {
        let state = runs[run].machine.state
        let bytes = decision.payload.bytes.count
        let step = state.plan.index(of: decision.step)
        if let refusal = runs[run].machine.refusal(
            ofDecisionOn: step, by: decision.actor, bytes: bytes)
        {
            return .decisionRefused(refusal, decision, state.id)
        }
        guard let step else { return nil }
        decide(run, step, decision)
        return nil
    }

    private mutating func decide(_ run: Int32, _ step: Int, _ decision: ApprovalAnswer) {
        let id = newPayload(decision.payload, run: runs[run].machine.state.id)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.decided(
                step, decision.decision, by: decision.actor, comment: decision.comment,
                payload: id, bytes: decision.payload.bytes.count, at: at, into: &out)
        }
    }

    /// An approval's time is over.
    mutating func decideByDefault(_ run: Int32, _ step: Int) {
        guard runs[run].machine.state.steps[step].state == .waiting,
            case .approval(let spec) = runs[run].machine.state.plan.steps[step].definition.kind,
            let decision = spec.defaultDecision
        else { return }
        decide(
            run, step,
            ApprovalAnswer(
                step: "", decision: decision, actor: "default",
                comment: "nobody decided within \(spec.millis) ms"))
    }

    private mutating func pause(_ run: Int32, _ reason: String) -> Rejection? {
        let status = runs[run].machine.state.status
        if status == .paused { return nil }
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.paused(reason: reason, at: at, into: &out) }
        return runs[run].machine.state.status == .paused
            ? nil : .notInState(runs[run].machine.state.summary, "be paused")
    }

    private mutating func resume(_ run: Int32, _ reason: String) -> Rejection? {
        if runs[run].machine.state.status == .running { return nil }
        guard runs[run].machine.state.status == .paused else {
            return .notInState(runs[run].machine.state.summary, "be resumed")
        }
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.resumed(reason: reason, at: at, into: &out) }
        return nil
    }

    mutating func terminate(_ run: Int32, _ reason: String) -> Rejection? {
        let status = runs[run].machine.state.status
        if status == .terminated { return nil }
        if status.isClosed { return .runClosed(runs[run].machine.state.summary) }
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.terminated(reason: reason, at: at, into: &out) }
        return nil
    }

    /// Its end may not be on disk yet; then it can be tried again in a moment.
    private mutating func retryOpen(_ run: Int32) -> Rejection {
        let summary = runs[run].machine.state.summary
        return summary.status.isClosed
            ? .runChanging(summary.id) : .retryRefused(.open, summary)
    }

    private mutating func releaseParked(
        _ run: Int32, _ name: String, isDiscarded: Bool
    ) -> Rejection? {
        let state = runs[run].machine.state
        guard let step = state.plan.index(of: name), state.steps[step].state == .parked,
            state.status == .running || state.status == .paused
        else { return .notParked(name, state.id) }
        forgetPark(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            if isDiscarded {
                machine.discarded(step, at: at, into: &out)
            } else {
                machine.requeued(step, at: at, into: &out)
            }
        }
        return nil
    }

    // MARK: Closed runs

    /// A closed run as the store has it: it goes on if it can.
    mutating func reopen(
        _ loaded: Result<RunState, Rejection>, _ order: OperateRun, _ ticket: ReplyTicket
    ) {
        if case .run(_, let id) = order.run { loading.remove(id) }
        let state: RunState
        switch loaded {
        case .failure(let rejection): return reject(ticket, rejection)
        case .success(let found): state = found
        }
        guard runIndex[state.id] == nil else { return reject(ticket, .runChanging(state.id)) }
        guard case .retry(let reason) = order.operation else { return }
        if let refusal = refusalOfRetry(state) { return reject(ticket, refusal) }
        let run = insert(RunMachine(state, limits: limits.run))
        runs[run].sealedSequence = state.lastSequence
        draft.effects.notices.append(
            .workflowRecovered(definition: state.plan.definition.name))
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.retried(reason: reason, at: at, into: &out) }
        armRun(run)
        scheduledRunReopened(state.id, in: state.namespace)
        remember(
            order.requestKey, hash: order.contentHash, answer: StartedAnswer.encode(state.id))
        answer(ticket, .operated(runs[run].machine.state.summary), seen: filling)
    }

    private mutating func refusalOfRetry(_ state: RunState) -> Rejection? {
        if isDraining { return .draining }
        if isDiskFull || isLowOnSpace { return .diskFull }
        if let refusal = RunMachine(state, limits: limits.run).refusalOfRetry {
            return .retryRefused(refusal, state.summary)
        }
        if isAboutToBePruned(state) { return .runExpiring(state.id) }
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        if let other = workflowIndex[name] {
            return .runOpen(state.workflowID, runs[other].machine.state.id)
        }
        if openRuns >= limits.maxOpenRuns { return .tooManyRuns(limits.maxOpenRuns) }
        return nil
    }

    /// What the pruner may have begun to remove must not be opened again: its history and payloads
    /// go, whatever is written of the run meanwhile.
    private mutating func isAboutToBePruned(_ state: RunState) -> Bool {
        guard let kept = limits.retentionMillis, let closed = state.closedMillis else {
            return false
        }
        return now.wallMillis - closed >= kept - Self.pruningMarginMillis
    }

    /// Far more than the clocks of engine and pruner differ, and a retry lies in the mailbox.
    private static var pruningMarginMillis: Int64 { 60_000 }
}
