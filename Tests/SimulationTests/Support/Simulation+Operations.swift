import Coordination

@testable import Engine

/// What the simulation's clients do to runs beside starting and looking.
extension Simulation {
    /// Now and then something in between; once nothing goes wrong any more, whatever a run needs
    /// to come to its end.
    func operate(_ run: RunID, _ ticket: ReplyTicket) {
        for operation in operations(on: run) {
            let id = random.chance(0.3) ? "o\(run)-\(ticket.call % 3)" : ""
            let order = OperateRun(
                run: .run(.default, run), operation: operation, requestID: id)
            engine?.submit(.operateRun(order, ticket))
            if random.chance(0.2) { engine?.submit(.operateRun(order, ticket)) }
        }
    }

    private func operations(on run: RunID) -> [RunOperation] {
        let signal = RunSignal(name: "go", payload: Payload(bytes: Array("7".utf8)))
        // Released before the run is resumed, which would try the same again for ever.
        if isHealed { return releases(of: run) + [.resume(reason: ""), .signal(signal)] }
        switch random.int(0...9) {
        case 0: return [.pause(reason: "chance")]
        case 1, 2: return [.resume(reason: "chance")]
        case 3, 4: return [.signal(signal)]
        case 5: return releases(of: run)
        case 6: return random.chance(faults.cancel) ? [.terminate(reason: "chance")] : []
        default: return []
        }
    }

    /// Dead letters are tried again or given up.
    private func releases(of run: RunID) -> [RunOperation] {
        guard let engine, let index = engine.runIndex[run] else { return [] }
        let state = engine.runs[index].machine.state
        return state.plan.steps.indices.filter { state.steps[$0].state == .parked }.map {
            let name = state.plan.steps[$0].definition.id
            return random.chance(0.5) ? .discard(step: name) : .requeue(step: name)
        }
    }

    static let scheduleName = "every-second"

    /// A schedule that starts small runs beside those of the clients; put again after every kill,
    /// which changes nothing when it is there.
    func putSchedule() {
        let overlaps = ScheduleDefinition.Overlap.allCases
        let schedule = ScheduleDefinition(
            id: Self.scheduleName, namespace: .default, workflow: "child",
            workflowIDPrefix: Self.scheduleName,
            input: Payload(bytes: Array(#"{"child":0}"#.utf8)),
            times: ScheduleTimes(intervals: [ScheduleTimes.Interval(everySeconds: 1)]),
            overlap: overlaps[Int(seed % UInt64(overlaps.count))], catchUpMillis: 5_000)
        guardCalls += 1
        let ticket = ReplyTicket(port: Self.guardPort, call: guardCalls)
        engine?.submit(
            .schedule(
                isHealed
                    ? .delete(ScheduleName(namespace: .default, id: Self.scheduleName))
                    : .put(schedule), ticket))
    }

    func retry(_ run: RunID, _ client: Int) {
        clients[client].tries += 1
        let ticket = ReplyTicket(port: client + 10, call: clients[client].tries)
        clients[client].openRetry = ticket.call
        let order = OperateRun(run: .run(.default, run), operation: .retry(reason: "chance"))
        engine?.submit(.operateRun(order, ticket))
    }
}
