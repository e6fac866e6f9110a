import Coordination
import Store

/// Starting, ending and asking about runs.
extension CoordinationEngine {
    // MARK: Start

    /// - Parameters:
    ///   - checked: the definition whose contract the input is known to fit.
    ///   - isReusable: whether the last run of the workflow id is known to allow another one.
    mutating func startRun(
        _ start: StartRun, _ ticket: ReplyTicket, checked: PayloadID? = nil,
        isReusable: Bool = false
    ) {
        switch rememberedAnswer(start.requestKey, hash: start.contentHash) {
        case .known(let bytes, let seen): return repeatStart(bytes, ticket, seen: seen)
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .new: break
        }
        if isDraining { return reject(ticket, .draining) }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        let name = ScopedName(namespace: start.namespace, name: start.definition)
        guard let definition = definitions[name] else {
            let known = definitionNames(in: start.namespace)
            return reject(
                ticket, .unknownWorkflow(start.definition, known: known),
                seen: definitionsChangedIn)
        }
        if !isReusable, isBehindLookup(start, ticket) { return }
        let open = openRun(start)
        if let open, !start.conflict.startsBesideOpen {
            return answerOpen(start, open, ticket)
        }
        if let contract = definition.plan.inputContract, checked != definition.planID {
            return check(start, contract, definition.planID, ticket)
        }
        if let open { return replace(open, start, definition, ticket) }
        if start.reuse != .allow, !start.workflowID.isEmpty, !isReusable {
            return askReuse(start, checked, ticket)
        }
        if openRuns >= limits.maxOpenRuns {
            return reject(ticket, .tooManyRuns(limits.maxOpenRuns))
        }
        let id = begin(NewRun(start), definition)
        remember(start.requestKey, hash: start.contentHash, answer: StartedAnswer.encode(id))
        if let run = runIndex[id], let signal = start.signal { _ = signalRun(run, signal) }
        answer(ticket, .started(id, existing: false), seen: filling)
    }

    private mutating func repeatStart(
        _ remembered: [UInt8], _ ticket: ReplyTicket, seen: BatchNumber
    ) {
        do throws(CodecError) {
            let run = try StartedAnswer.decode(remembered)
            answer(ticket, .started(run, existing: true), seen: seen)
        } catch {
            reject(ticket, .unreadableAnswer(error), seen: seen)
        }
    }

    /// The open run that already bears the caller's workflow id.
    private mutating func openRun(_ start: StartRun) -> Int32? {
        if start.workflowID.isEmpty { return nil }
        let name = ScopedName(namespace: start.namespace, name: start.workflowID)
        guard let run = workflowIndex[name], !runs[run].machine.state.status.isClosed else {
            return nil
        }
        return run
    }

    /// No new run beside the open one: that is the answer, or the reason to refuse.
    private mutating func answerOpen(_ start: StartRun, _ run: Int32, _ ticket: ReplyTicket) {
        let id = runs[run].machine.state.id
        if start.conflict == .fail, start.signal == nil {
            return reject(ticket, .runOpen(start.workflowID, id), seen: runs[run].changedIn)
        }
        if let signal = start.signal, let refusal = signalRun(run, signal) {
            return reject(ticket, refusal, seen: runs[run].changedIn)
        }
        // What a repeat of this request must find is stored like a start of its own.
        remember(start.requestKey, hash: start.contentHash, answer: StartedAnswer.encode(id))
        let seen = start.requestID.isEmpty ? runs[run].changedIn : filling
        answer(ticket, .started(id, existing: true), seen: seen)
    }

    /// A new run beside the open one: at once in its place, or after it.
    private mutating func replace(
        _ open: Int32, _ start: StartRun, _ definition: DefinitionEntry, _ ticket: ReplyTicket
    ) {
        if openRuns >= limits.maxOpenRuns {
            return reject(ticket, .tooManyRuns(limits.maxOpenRuns))
        }
        var new = NewRun(start)
        new.isQueued = start.conflict == .enqueue
        if new.isQueued, runs[open].followers.count >= limits.maxQueuedRuns {
            return reject(ticket, .tooManyQueued(start.workflowID, limits.maxQueuedRuns))
        }
        if !new.isQueued { _ = terminate(open, "another run takes its place") }
        let id = begin(new, definition)
        remember(start.requestKey, hash: start.contentHash, answer: StartedAnswer.encode(id))
        if let run = runIndex[id] {
            if new.isQueued {
                runs[open].followers.append(run)
            } else {
                runs[run].followers = runs[open].followers
                runs[open].followers = []
            }
            if let signal = start.signal { _ = signalRun(run, signal) }
        }
        answer(ticket, .started(id, existing: false), seen: filling)
    }

    mutating func begin(_ new: NewRun, _ definition: DefinitionEntry) -> RunID {
        lastRun += 1
        let id = RunID(serial: Serial(rawValue: lastRun))
        let input = newPayload(new.input, run: id)
        var state = RunState(
            id: id, namespace: new.namespace,
            workflowID: new.workflowID.isEmpty ? id.description : new.workflowID,
            plan: definition.plan, planID: definition.planID, input: input,
            inputBytes: new.input.bytes.count, startedMillis: now.wallMillis)
        if !new.isChecked { state.leaveInputUnchecked() }
        if !new.attributes.isEmpty { state.setAttributes(new.attributes) }
        if let trace = new.trace { state.setTrace(trace) }
        if let predecessor = new.predecessor { state.setPredecessor(predecessor) }
        if new.depth > 0 { state.setParent(new.parent, depth: new.depth) }
        let run = insert(RunMachine(state, limits: limits.run), isQueued: new.isQueued)
        if let root = new.root { joinFamily(run, of: root) }
        draft.effects.notices.append(
            .workflowStarted(definition: definition.plan.definition.name))
        let at = now.wallMillis
        change(run) { machine, out, _ in
            if new.isQueued {
                machine.queued(at: at, into: &out)
            } else {
                machine.started(at: at, into: &out)
            }
        }
        return id
    }

    /// Takes a run into memory and arms its own deadline.
    mutating func insert(_ machine: RunMachine, isQueued: Bool = false) -> Int32 {
        let state = machine.state
        let run = runs.insert(RunCell(machine))
        openRuns += 1
        runIndex[state.id] = run
        if isQueued { return run }
        if RunID(state.workflowID) != state.id {
            let name = ScopedName(namespace: state.namespace, name: state.workflowID)
            workflowIndex[name] = run
        }
        armRun(run)
        return run
    }

    /// Arms a run's own deadline, or another one in its place.
    mutating func armRun(_ run: Int32) {
        if runs[run].runTimer >= 0 { timers.remove(runs[run].runTimer) }
        runs[run].runTimer = -1
        guard let deadline = runs[run].machine.state.deadlineMillis else { return }
        if isTakingUp { return restoredTimers.append(.run(runs[run].machine.state.id)) }
        runs[run].runTimer = timers.insert(
            .run(run), key: monotonicNanos(atWallMillis: deadline))
    }

    // MARK: Runs that follow each other

    /// The first of those that waited for a run to end begins; the others wait for that one.
    private mutating func beginFollower(of run: Int32) {
        var followers = runs[run].followers
        runs[run].followers = []
        if followers.isEmpty { return leaveQueue(run) }
        let next = followers.removeFirst()
        runs[next].followers = followers
        takeTurn(next)
    }

    mutating func takeTurn(_ run: Int32) {
        let state = runs[run].machine.state
        workflowIndex[ScopedName(namespace: state.namespace, name: state.workflowID)] = run
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.turnCame(at: at, into: &out) }
        armRun(run)
    }

    /// A run that ended while it waited for its turn.
    private mutating func leaveQueue(_ run: Int32) {
        let state = runs[run].machine.state
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        guard let active = workflowIndex[name], active != run else { return }
        runs[active].followers.removeAll { $0 == run }
    }

    // MARK: What follows

    mutating func perform(_ action: RunAction, _ run: Int32) {
        switch action {
        case .schedule(let step):
            // The run may have ended or been paused since, the step with it.
            let state = runs[run].machine.state
            guard state.steps.indices.contains(step), state.steps[step].state == .scheduled,
                state.status != .paused, runs[run].steps[step].job < 0
            else { return }
            if isLate(run, step) { return }
            if !isGovernedByMode(run, step) { scheduleStep(run, step) }
        case .evaluate(let step): evaluate(run, step)
        case .checkInput: checkInput(of: run)
        case .armTimer(let step, let millis): armStep(run, step, atMillis: millis)
        case .awaitHolder(let step): awaitHolder(run, step)
        case .stop(let step): stopStep(run, step)
        case .hold(let step): holdStep(run, step)
        case .listen(let step, let eventType): listen(run, step, eventType)
        case .decideByDefault(let step): decideByDefault(run, step)
        case .collect(let step): collect(run, step)
        case .park(let step): notePark(run, step)
        case .closeChild(let child, let policy): closeChild(child, policy)
        case .prepareResult: prepareResult(run)
        case .closed: runClosed(run)
        }
    }

    private mutating func prepareResult(_ run: Int32) {
        guard runs[run].machine.isFinishing else { return }
        let state = runs[run].machine.state
        if state.continuation != nil { return prepareSuccessor(of: run) }
        let recipe = state.resultRecipe
        guard case .whole(let id) = recipe else { return ask(recipe, for: .runResult(state.id)) }
        runs[run].result = payloads[id]
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.resultPrepared(id, newBytes: 0, at: at, into: &out)
        }
    }

    mutating func resultPrepared(_ run: Int32, _ result: Result<[Payload], StepFailure>) {
        guard runs[run].machine.isFinishing else { return }
        let at = now.wallMillis
        switch result {
        case .failure(let failure):
            change(run) { machine, out, _ in
                machine.resultPreparationFailed(failure, at: at, into: &out)
            }
        case .success(let made):
            guard let payload = made.first else { return }
            let id = newPayload(payload, run: runs[run].machine.state.id)
            runs[run].result = payload
            change(run) { machine, out, _ in
                machine.resultPrepared(
                    id, newBytes: payload.bytes.count, at: at, into: &out)
            }
        }
    }

    private mutating func runClosed(_ run: Int32) {
        openRuns -= 1
        leaveFamily(run)
        if runs[run].runTimer >= 0 { timers.remove(runs[run].runTimer) }
        runs[run].runTimer = -1
        forgetRecorded(run)
        let state = runs[run].machine.state
        scheduledRunEnded(state.id)
        draft.effects.closed.append(run)
        draft.effects.notices.append(
            .workflowClosed(
                definition: state.plan.definition.name, status: state.status,
                millis: max(0, (state.closedMillis ?? state.startedMillis) - state.startedMillis)))
        let callers = runs[run].waiters + runs[run].watchers
        for ticket in callers {
            open.remove(ticket)
            answerClosed(run, ticket)
        }
        runs[run].waiters = []
        if state.status != .continuedAsNew { tellParent(of: run) }
        beginFollower(of: run)
    }

    /// Tells a caller how a run ended, once that is on disk. A result that is not in memory is
    /// read by the shell.
    private mutating func answerClosed(_ run: Int32, _ ticket: ReplyTicket) {
        let state = runs[run].machine.state
        let result = runs[run].result ?? state.result.flatMap { payloads[$0] }
        if state.result != nil, result == nil {
            let reference = RunReference.run(state.namespace, state.id)
            let lookup = RunLookup(reference: reference, purpose: .await, ticket: ticket)
            return look(lookup, seen: runs[run].changedIn)
        }
        let reply = Reply(ticket, .runClosed(state.summary, result: result))
        if runs[run].changedIn == filling {
            draft.effects.closings.append(reply)
        } else {
            answer(ticket, reply.answer, seen: runs[run].changedIn)
        }
    }

    // MARK: Questions

    /// The run in memory that a reference means.
    mutating func find(_ reference: RunReference) -> Int32? {
        switch reference {
        case .run(let namespace, let id):
            guard let run = runIndex[id], runs[run].machine.state.namespace == namespace else {
                return nil
            }
            return run
        case .workflow(let namespace, let name):
            if let run = workflowIndex[ScopedName(namespace: namespace, name: name)] {
                return run
            }
            // A run without a name of its caller's is named by its id.
            guard let id = RunID(name), let run = runIndex[id],
                runs[run].machine.state.namespace == namespace,
                runs[run].machine.state.workflowID == name
            else { return nil }
            return run
        }
    }

    mutating func getRun(_ reference: RunReference, _ ticket: ReplyTicket) {
        guard let run = find(reference) else { return ask(reference, .get, ticket) }
        let state = runs[run].machine.state
        let result = runs[run].result ?? state.result.flatMap { payloads[$0] }
        if state.result != nil, result == nil {
            let lookup = RunLookup(reference: reference, purpose: .get, ticket: ticket)
            return look(lookup, seen: runs[run].changedIn)
        }
        answer(ticket, .run(state.summary, result: result), seen: runs[run].changedIn)
    }

    mutating func awaitRun(_ reference: RunReference, _ ticket: ReplyTicket) {
        guard let run = find(reference) else { return ask(reference, .await, ticket) }
        if runs[run].machine.state.status.isClosed { return answerClosed(run, ticket) }
        if let refusal = refusalOfWatcher(run) { return reject(ticket, refusal) }
        runs[run].waiters.append(ticket)
        open.insert(.awaiting(run: run), for: ticket)
        if isDraining { lastCallers.append(ticket) }
    }

    mutating func watchRun(_ reference: RunReference, _ ticket: ReplyTicket) {
        guard let run = find(reference) else { return ask(reference, .watch, ticket) }
        if let refusal = refusalOfWatcher(run) { return reject(ticket, refusal) }
        let sealed = runs[run].sealedSequence
        let seen = sealed == 0 ? runs[run].changedIn : (inFlight ?? .none)
        answer(ticket, .watching(lastSequence: sealed), seen: seen)
        runs[run].watchers.append(ticket)
        if runs[run].machine.state.status.isClosed {
            return answerClosed(run, ticket)
        }
        open.insert(.watching(run: run), for: ticket)
    }

    private mutating func refusalOfWatcher(_ run: Int32) -> Rejection? {
        let watching = runs[run].waiters.count + runs[run].watchers.count
        guard watching >= limits.maxRunWatchers else { return nil }
        return .tooManyWatching("run \(runs[run].machine.state.id)", limits.maxRunWatchers)
    }

    mutating func cancelRun(_ cancel: CancelRun, _ ticket: ReplyTicket) {
        guard let run = find(cancel.run) else {
            return ask(cancel.run, .cancel(reason: cancel.reason), ticket)
        }
        let at = now.wallMillis
        if !runs[run].machine.state.status.isClosed {
            change(run) { machine, out, _ in
                machine.cancelRequested(reason: cancel.reason, at: at, into: &out)
            }
        }
        let summary = runs[run].machine.state.summary
        let seen = runs[run].changedIn
        if summary.status == .cancelled || summary.status == .compensating {
            answer(ticket, .cancelled(summary), seen: seen)
        } else {
            reject(ticket, .runClosed(summary), seen: seen)
        }
    }

    /// The run is not in memory, so what the store has is the truth.
    private mutating func ask(
        _ reference: RunReference, _ purpose: RunLookup.Purpose, _ ticket: ReplyTicket
    ) {
        ready.lookups.append(
            RunLookup(reference: reference, purpose: purpose, ticket: ticket))
    }
}

extension StartRun {
    /// What its request id is remembered by.
    var requestKey: RequestLog.Key {
        RequestLog.Key(
            namespace: namespace, method: StartedAnswer.method, requestID: requestID)
    }
}

/// What a run begins with, whoever wants it.
struct NewRun {
    var namespace: Namespace
    /// Empty: the run id.
    var workflowID: String
    var input: Payload
    var parent: StepPlace?
    /// The run from which it descends; `nil`: it begins by itself.
    var root: RunID?
    /// Runs above it.
    var depth = 0
    /// Whether it waits for the open run of its workflow id.
    var isQueued = false
    /// Whether its input is known to fit the definition's contract.
    var isChecked = false
    var attributes: [RunAttribute] = []
    /// The run whose place it takes.
    var predecessor: RunID?
    /// Where its start stands in its caller's trace.
    var trace: TraceContext?
}

extension NewRun {
    init(_ start: StartRun) {
        self.init(
            namespace: start.namespace, workflowID: start.workflowID, input: start.input,
            isChecked: true, attributes: start.attributes, trace: start.trace)
    }
}
