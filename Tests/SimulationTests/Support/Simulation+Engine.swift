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
            for assignment in entry.dispatches { dispatch(assignment) }
        }
        for preparation in output.preparations { prepare(preparation) }
        for lookup in output.lookups { look(lookup) }
    }

    private func dispatch(_ assignment: Assignment) {
        guard let origin = assignment.origin else {
            problems.append("a dispatch that nobody asked for")
            return
        }
        if store.started[assignment.token] != origin {
            problems.append("\(origin) was dispatched before its start was committed")
        }
        if store.completed[origin] != nil { problems.append("\(origin) runs again") }
        queue.add(
            .assignment(assignment, incarnation: incarnation),
            at: after(millis: random.int(0...40)))
    }

    private func prepare(_ preparation: Preparation) {
        if case .runResult(let run) = preparation.purpose { pendingResults.insert(run) }
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
            engine?.submit(.prepared(outcome))
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

    /// Hands a batch over. The engine may die before it is on disk, or after, unheard.
    func commit(_ batch: StoreBatch) {
        if random.chance(faults.diskFull) {
            engine?.diskFilled()
            queue.add(.retryCommit(incarnation: incarnation), at: after(millis: 50))
            return
        }
        if random.chance(faults.killAtCommit) {
            if random.chance(0.5) { store.apply(batch) }
            return kill()
        }
        store.apply(batch)
        let delay = random.chance(0.3) ? 0 : random.int(1...10)
        queue.add(
            .commitEnds(batch.number, incarnation: incarnation), at: after(millis: delay))
    }

    func commitEnds(_ number: BatchNumber) {
        inFlight = nil
        guard let output = engine?.batchCommitted(number, at: now) else { return }
        handle(output)
    }

    private func look(_ lookup: RunLookup) {
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
        receive(Reply(lookup.ticket, .runClosed(summary, result: store.result(id))))
    }

    // MARK: What clients see must be on disk

    private func receive(_ reply: Reply) {
        let index = reply.ticket.port - 10
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
            clients[index].isDone = true
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
            if store.summary(summary.id) != summary {
                problems.append("a cancellation was told that is not on disk")
            }
        case .definitionPut, .rejected: break
        default: problems.append("an answer that nobody asked for")
        }
    }
}
