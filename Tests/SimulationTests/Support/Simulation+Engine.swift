import Coordination
import Store

@testable import Engine

/// The shell of the simulated engine: what `EngineHost` does, with chance in every gap.
extension Simulation {
    func drive() {
        repeat {
            guard let output = engine?.turn(now, random: random.next()) else { return }
            handle(output)
            guard engine != nil else { return }
            if engine?.hasInput == false, let batch = engine?.seal() { begin(batch) }
        } while engine?.hasWork(atNanos: now.monotonicNanos) == true
    }

    private func handle(_ output: TurnOutput) {
        for reply in output.replies { receive(reply) }
        for entry in output.ports {
            if entry.port.rawValue >= Self.firstConnection {
                hear(entry)
                continue
            }
            for assignment in entry.dispatches { dispatch(assignment) }
            for token in entry.cancels where store.isRunning(token) {
                problems.append("an assignment was cancelled before that was on disk")
            }
        }
        for preparation in output.preparations { prepare(preparation) }
        for lookup in output.lookups { look(lookup) }
    }

    private func dispatch(_ assignment: Assignment) {
        check(assignment)
        queue.add(
            .assignment(assignment, incarnation: incarnation),
            at: after(millis: random.int(0...40)))
    }

    func check(_ assignment: Assignment) {
        if !dispatched.insert(assignment.token).inserted {
            problems.append("a token was used twice")
        }
        if let origin = assignment.origin {
            if store.started[assignment.token] != origin {
                problems.append("\(origin) was dispatched before its start was committed")
            }
            if store.completed[origin] != nil { problems.append("\(origin) runs again") }
        }
    }

    private func prepare(_ preparation: Preparation) {
        pending.insert(preparation.purpose)
        var complete = preparation
        for id in preparation.missing {
            guard let payload = store.payloads[id] else {
                problems.append("payload \(id) is asked for, but not on disk")
                return
            }
            complete.loaded[id] = payload
        }
        let outcome = Preparer.render(complete)
        if preparation.missing.isEmpty, random.chance(0.6) {
            deliver(outcome)
        } else {
            queue.add(
                .prepared(outcome, incarnation: incarnation), at: after(millis: random.int(0...30)))
        }
    }

    // MARK: Store

    private func begin(_ batch: StoreBatch) {
        inFlight = batch
        commit(batch)
    }

    /// Hands a batch over; it reaches the disk a little later, and the engine hears of it later
    /// still.
    func commit(_ batch: StoreBatch) {
        if random.chance(faults.diskFull) {
            engine?.diskFilled()
            queue.add(.retryCommit(incarnation: incarnation), at: after(millis: 50))
            return
        }
        let delay = random.chance(0.3) ? 0 : random.int(1...10)
        queue.add(
            .reachesDisk(batch, incarnation: incarnation), at: after(millis: delay))
    }

    /// The engine may die just before, or just after and without having heard.
    func reachesDisk(_ batch: StoreBatch) {
        let isKilled = random.chance(faults.killAtCommit)
        if isKilled, random.chance(0.5) { return kill() }
        store.apply(batch)
        if isKilled { return kill() }
        queue.add(
            .commitEnds(batch.number, incarnation: incarnation),
            at: after(millis: random.int(0...3)))
    }

    func commitEnds(_ number: BatchNumber) {
        inFlight = nil
        guard let output = engine?.batchCommitted(number, at: now) else { return }
        handle(output)
    }

    func deliver(_ outcome: Preparation.Outcome) {
        // Still pending until the engine has taken it.
        engine?.submit(.prepared(outcome))
    }

    private func look(_ lookup: RunLookup) {
        if case .operate(let order) = lookup.purpose { return lookForOperation(order, lookup) }
        if case .reuse(let name, let namespace) = lookup.purpose {
            let last = store.newestRun(of: name)
            engine?.submit(.reuseKnown(.success(last), namespace, name, lookup.ticket))
            return
        }
        guard case .run(_, let id) = lookup.reference else {
            problems.append("clients of the simulation ask by run id")
            return
        }
        guard let summary = store.summary(id) else {
            problems.append("run \(id) was acknowledged and is lost")
            return
        }
        guard summary.status.isClosed else {
            problems.append("run \(id) is open, but the engine does not know it")
            return
        }
        if lookup.purpose == .operated {
            return receive(Reply(lookup.ticket, .operated(summary)))
        }
        receive(Reply(lookup.ticket, .runClosed(summary, result: store.result(id))))
    }

    /// The run is closed: a retry takes it up again.
    private func lookForOperation(_ order: OperateRun, _ lookup: RunLookup) {
        guard case .run(_, let id) = order.run, let row = store.runs[id],
            let state = try? RunReader.state(of: row, store.plans)
        else {
            problems.append("an operation was asked of a run that is lost")
            return
        }
        if case .retry = order.operation {
            engine?.submit(.loaded(.success(state), order, lookup.ticket))
        }
    }

    // MARK: What clients see must be on disk

    private func receive(_ reply: Reply) {
        if reply.ticket.port == Self.guardPort { return receiveGuard(reply) }
        if reply.ticket.port == Self.crowdPort { return receiveCrowd(reply) }
        if reply.ticket.port == 8 { return receiveInvoke(reply) }
        if reply.ticket.port == 9 { return receivePut(reply) }
        let index = reply.ticket.port - 10
        if reply.ticket.call == clients[index].openRetry { clients[index].openRetry = nil }
        switch reply.answer {
        case .started(let id, _):
            if store.runs[id] == nil { problems.append("a start was told before its commit") }
            if let known = clients[index].run, known != id {
                problems.append("request r\(index) started two runs")
            }
            clients[index].run = id
        case .runClosed(let summary, let result):
            if store.summary(summary.id) != summary {
                problems.append("an end was told that is not on disk")
            }
            if store.result(summary.id) != result {
                problems.append("a result was told that is not the stored one")
            }
            if clients[index].openRetry != nil { return }
            if summary.status != .completed, clients[index].retries < 2, random.chance(0.3) {
                clients[index].retries += 1
                retry(summary.id, index)
            } else {
                clients[index].isDone = true
            }
        case .operated(let summary):
            if (store.summary(summary.id)?.lastSequence ?? 0) < summary.lastSequence {
                problems.append("an operation was told that is not on disk")
            }
        case .watching(let last):
            let stored = clients[index].run.flatMap { store.history[$0]?.count } ?? 0
            if Int64(stored) < last { problems.append("a watch tells of uncommitted events") }
        case .events(let events):
            guard let run = clients[index].run, let stored = store.history[run] else {
                problems.append("events of an unknown run")
                return
            }
            for event in events
            where !stored.indices.contains(Int(event.sequence) - 1)
                || stored[Int(event.sequence) - 1] != event
            {
                problems.append("an event was told that is not on disk")
            }
        case .cancelled(let summary):
            // One that is still being undone may have gone on in the same batch.
            if (store.summary(summary.id)?.lastSequence ?? 0) < summary.lastSequence {
                problems.append("a cancellation was told that is not on disk")
            }
        case .rejected(let refusal) where refusal.reason == "WORKFLOW_ID_USED":
            // Its workflow id was used by another client, whose run completed: that is an end too.
            clients[index].isDone = true
        case .rejected: break
        default: problems.append("an answer that nobody asked for")
        }
    }

    /// A definition that a full disk refused is put again, else its runs could never start.
    private func receivePut(_ reply: Reply) {
        switch reply.answer {
        case .definitionPut: break
        case .rejected:
            queue.add(.definitionIsPut(Int(reply.ticket.call)), at: after(millis: 100))
        default: problems.append("an answer to a definition that is none")
        }
    }

    /// Each invoke is answered once.
    private func receiveInvoke(_ reply: Reply) {
        let call = reply.ticket.call
        let isExpected = openInvokes.removeValue(forKey: call) != nil
        // An answer that was on its way when the caller left may still arrive.
        if !isExpected, abandoned.remove(call) == nil {
            problems.append("invoke \(call) was answered twice")
        }
    }
}
