import Coordination
import Store

/// Filling a batch, and letting go what waited for it.
extension CoordinationEngine {
    /// The number that the filling batch will have.
    var filling: BatchNumber { (inFlight ?? committed).next }

    /// Whether another durable command enters it.
    var hasRoom: Bool { draft.commands < limits.maxCommandsPerBatch }

    /// Whether one more of a kind whose time has come enters the batch, of which it holds `count`.
    /// Such a place is free beside any number of commands: otherwise no lease would end and no slot
    /// come as long as more is asked for than is done.
    mutating func hasRoomForDue(_ count: Int) -> Bool { hasRoom || count < limits.maxDuePerBatch }

    /// Whether something waits for such a place.
    var hasDueWork: Bool {
        mutating get {
            !schedules.due.isEmpty && hasRoomForDue(draft.due.schedules)
                || !memory.due.isEmpty && hasRoomForDue(draft.due.memory)
                || !locks.due.isEmpty && hasRoomForDue(draft.due.locks)
        }
    }

    /// Answers once the newest batch that the answer wrote or read is on disk.
    mutating func answer(_ ticket: ReplyTicket, _ answer: Answer, seen: BatchNumber) {
        if ticket.isOwn {
            ownCalls.replies.append(
                OwnCalls.Reply(call: ticket.call, answer: answer, seen: seen))
            return
        }
        let reply = Reply(ticket, answer)
        if seen <= committed {
            ready.replies.append(reply)
        } else if seen == inFlight {
            inFlightEffects.replies.append(reply)
        } else {
            draft.effects.replies.append(reply)
        }
    }

    mutating func reject(
        _ ticket: ReplyTicket, _ rejection: Rejection, seen: BatchNumber = .none
    ) {
        ready.notices.append(.rejected(reason: rejection.reason))
        answer(ticket, .rejected(rejection), seen: seen)
    }

    /// Asks the store once what was seen is on disk.
    mutating func look(_ lookup: RunLookup, seen: BatchNumber) {
        if seen <= committed {
            ready.lookups.append(lookup)
        } else if seen == inFlight {
            inFlightEffects.lookups.append(lookup)
        } else {
            draft.effects.lookups.append(lookup)
        }
    }

    /// Feeds a run's machine and notes what comes of it. `settle` performs the actions.
    mutating func change<Result>(
        _ run: Int32,
        _ input: (inout RunMachine, inout RunOutput, UInt64) -> Result
    ) -> Result {
        let random = nextRandom()
        let result = input(&runs[run].machine, &scratch, random)
        for action in scratch.actions { actions.append((run, action)) }
        if !scratch.events.isEmpty {
            runs[run].events.append(contentsOf: scratch.events)
            markDirty(run)
            fitSteps(run)
        }
        scratch.actions.removeAll(keepingCapacity: true)
        scratch.events.removeAll(keepingCapacity: true)
        return result
    }

    /// Lists give a run more steps, or take them away again when nothing works on them any more.
    private mutating func fitSteps(_ run: Int32) {
        let wanted = runs[run].machine.state.steps.count
        while runs[run].steps.count < wanted { runs[run].steps.append(StepCell()) }
        if runs[run].steps.count > wanted {
            for step in wanted..<runs[run].steps.count { forgetRecorded(run, step) }
            runs[run].steps.removeLast(runs[run].steps.count - wanted)
        }
    }

    /// The filling batch stores the run anew.
    mutating func markDirty(_ run: Int32) {
        runs[run].changedIn = filling
        if runs[run].isDirty { return }
        runs[run].isDirty = true
        draft.dirtyRuns.append(run)
    }

    mutating func newPayload(_ payload: Payload, run: RunID) -> PayloadID {
        lastPayload += 1
        let id = PayloadID(serial: Serial(rawValue: lastPayload))
        draft.payloads.append(PayloadRow(id: id, run: run, payload: payload))
        payloads.insert(payload, id: id, storedIn: filling)
        return id
    }

    mutating func makeBatch(_ number: BatchNumber) -> StoreBatch {
        var batch = StoreBatch(shard: shard, epoch: epoch, number: number)
        batch.definitions = draft.definitions
        batch.payloads = draft.payloads
        batch.requests = draft.requests
        batch.entities = draft.entities
        batch.audits = draft.audits
        batch.memory = draft.memory
        batch.memorySettlements = draft.memorySettlements
        sealMemory(&batch)
        batch.publications = draft.publications
        batch.removedPublications = events.takeDoomed()
        tellFollowers()
        batch.runs.reserveCapacity(draft.dirtyRuns.count)
        batch.history.reserveCapacity(draft.dirtyRuns.count)
        for run in draft.dirtyRuns { sealRun(run, &batch) }
        return batch
    }

    private mutating func sealRun(_ run: Int32, _ batch: inout StoreBatch) {
        let events = runs[run].events
        runs[run].events = []
        let history = events.isEmpty ? [] : HistoryCodec.encode(events)
        runs[run].machine.historyGrew(by: history.count)
        let state = runs[run].machine.state
        batch.runs.append(
            RunRow(
                run: state.id, namespace: state.namespace.name, workflowID: state.workflowID,
                definition: state.plan.definition.name, status: state.status.rawValue,
                startedMillis: state.startedMillis, closedMillis: state.closedMillis,
                blob: RunCodec.encode(state)))
        noteGraph(run)
        runs[run].isDirty = false
        runs[run].sealedSequence = state.lastSequence
        guard let first = events.first else { return }
        batch.history.append(
            HistoryRow(
                run: state.id, firstSequence: first.sequence, count: events.count,
                blob: history))
        for watcher in runs[run].watchers {
            draft.effects.events.append(Reply(watcher, .events(events)))
        }
    }

    // MARK: After the commit

    mutating func release(_ effects: HeldEffects) {
        ready.replies += effects.allReplies
        ready.lookups += effects.lookups
        ready.notices += effects.notices
        for notice in effects.notices { measure(notice) }
        for change in effects.modes { show(change) }
        for item in effects.items { itemStored(item) }
        for dispatch in effects.dispatches { release(dispatch) }
        for (port, token) in effects.cancels {
            ready[port].cancels.append(token)
        }
        for (port, notice) in effects.sessionNotices { ready[port].notices.append(notice) }
        for run in effects.closed { forget(run) }
        for (namespace, publications) in effects.published {
            wakeSubscribers(namespace, publications)
        }
    }

    /// Sends a committed step to its agent and starts its clock; unless it was stopped meanwhile.
    private mutating func release(_ held: HeldDispatch) {
        guard let job = tokens[held.token], case .step(let run, let step) = jobs[job].work else {
            return
        }
        if !isReachable(job) { return handoverFailed(job, run, step) }
        let state = runs[run].machine.state
        let definition = state.work(of: step).definition
        let deadline = attemptDeadline(run, step, definition.startToCloseMillis)
        jobs[job].deadlineNanos = deadline
        if deadline <= now.monotonicNanos { return passedBeforeHandover(job, run, step) }
        jobs[job].phase = .running
        jobs[job].heardNanos = now.monotonicNanos
        jobs[job].grantedNanos = now.monotonicNanos
        arm(job, atNanos: min(deadline, silenceEnd(of: job, definition)))
        let agent = jobs[job].agent
        dispatch(
            Assignment(
                token: AssignmentToken(serial: Serial(rawValue: held.token)),
                agent: pool.id(of: agent), operation: definition.operation,
                payload: held.payload, deadlineNanos: awaited(run, until: deadline),
                attempt: state.steps[step].attempt, namespace: state.namespace,
                origin: StepOrigin(run: state.id, step: state.name(of: step)),
                mode: shownMode(of: state.namespace),
                extras: .some(
                    lastHeartbeat: state.steps[step].heartbeat, trace: state.extra.value.trace)),
            agent)
    }

    mutating func dispatch(_ assignment: Assignment, _ agent: Int32) {
        let session = pool.session(of: agent)
        if session >= 0 { sessions[session].machine.sent(assignment.token) }
        ready[pool.port(of: agent)].dispatches.append(assignment)
    }

    /// Takes a closed run out of memory; from now on the store answers for it.
    private mutating func forget(_ run: Int32) {
        let state = runs[run].machine.state
        runIndex[state.id] = nil
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        if workflowIndex[name] == run { workflowIndex[name] = nil }
        runs.remove(run)
    }

    // MARK: Timers

    mutating func arm(_ job: Int32, atNanos deadline: Int64) {
        jobs[job].dueNanos = deadline
        if jobs[job].timer >= 0 {
            timers.update(jobs[job].timer, key: deadline)
        } else {
            jobs[job].timer = timers.insert(.job(job), key: deadline)
        }
    }

    mutating func disarm(_ job: Int32) {
        if jobs[job].timer >= 0 { timers.remove(jobs[job].timer) }
        jobs[job].timer = -1
    }

    /// The monotonic instant of a stored wall-clock one, as the clocks stand now.
    mutating func monotonicNanos(atWallMillis millis: Int64) -> Int64 {
        now.monotonicNanos(atWallMillis: millis)
    }

    /// The monotonic instant so many milliseconds from now, or the latest there is.
    mutating func monotonicNanos(inMillis millis: Int64) -> Int64 {
        now.monotonicNanos(inMillis: millis)
    }
}
