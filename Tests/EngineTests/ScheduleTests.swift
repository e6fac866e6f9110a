import Coordination
import Engine
import Store
import Testing

/// Schedules in the engine, driven by hand with a clock of the test's.
@Suite struct ScheduleTests {
    /// An engine, its batches, and a store that outlives engines.
    struct World {
        var engine: CoordinationEngine
        var now = EngineTime(monotonicNanos: 0, wallMillis: 0)
        /// Definitions and entities on disk, runs with their last row.
        var definitions: [DefinitionRow] = []
        var entities: [String: EntityRow] = [:]
        var runs: [RunID: RunRow] = [:]
        var payloads: [PayloadID: Payload] = [:]
        var answers: [UInt64: Answer] = [:]
        private var lastCall: UInt64 = 0
        private var epoch: UInt32 = 1

        init() {
            engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
            join()
        }

        /// An agent that never answers, so that runs stay open.
        private mutating func join() {
            let agent = AgentRegistration(
                id: AgentID("echo/1"), type: "echo",
                operations: [
                    OperationDescriptor(name: "work", summary: "", isIdempotent: true)
                ], slots: 1_000)
            engine.submit(.agentsJoined([agent], PortNumber(rawValue: 0)))
        }

        /// Lets everything settle that can without time passing.
        mutating func settle() {
            for _ in 0..<10_000 {
                take(engine.turn(now, random: 1))
                guard let batch = engine.seal() else {
                    if engine.hasWork(atNanos: now.monotonicNanos) { continue }
                    return
                }
                keep(batch)
                take(engine.batchCommitted(batch.number, at: now))
            }
            Issue.record("the engine never comes to rest")
        }

        private mutating func take(_ output: TurnOutput) {
            for reply in output.replies { answers[reply.ticket.call] = reply.answer }
            for lookup in output.lookups {
                guard case .operate(let order) = lookup.purpose, case .run(_, let id) = order.run,
                    let state = try? state(id)
                else { continue }
                engine.submit(.loaded(.success(state), order, lookup.ticket))
            }
        }

        /// A run as it is stored.
        private func state(_ id: RunID) throws -> RunState {
            let row = try #require(runs[id])
            let plan = try #require(payloads[try RunCodec.planID(of: row.blob)])
            let columns = RunCodec.Columns(
                id: row.run, namespace: Namespace(row.namespace), workflowID: row.workflowID,
                status: row.status, startedMillis: row.startedMillis,
                closedMillis: row.closedMillis)
            return try RunCodec.decode(
                row.blob, columns,
                plan: try WorkflowPlan(DefinitionCodec.decode(plan.bytes)))
        }

        /// A schedule's state.
        mutating func state(of id: String) throws -> ScheduleState {
            guard case .one(let view) = ask(.get(ScheduleName(namespace: .default, id: id))) else {
                throw TestFailure("no schedule \(id)")
            }
            return view.state
        }

        private mutating func keep(_ batch: StoreBatch) {
            definitions += batch.definitions
            for payload in batch.payloads { payloads[payload.id] = payload.payload }
            for row in batch.runs { runs[row.run] = row }
            for row in batch.entities {
                entities["\(row.kind) \(row.namespace) \(row.key)"] = row.blob == nil ? nil : row
            }
        }

        mutating func pass(millis: Int64) {
            now.monotonicNanos += millis * 1_000_000
            now.wallMillis += millis
            settle()
        }

        mutating func ask(_ command: (ReplyTicket) -> Command) -> Answer? {
            lastCall += 1
            engine.submit(command(ReplyTicket(port: 0, call: lastCall)))
            settle()
            return answers[lastCall]
        }

        mutating func ask(_ command: ScheduleCommand) -> ScheduleAnswer? {
            guard case .schedule(let answer) = ask({ .schedule(command, $0) }) else { return nil }
            return answer
        }

        /// The process dies and another one takes up what is on disk.
        mutating func restart() throws {
            epoch += 1
            engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: epoch))
            var plans: [PayloadID: WorkflowPlan] = [:]
            for (id, payload) in payloads where payload.contentType.contains("definition") {
                plans[id] = try WorkflowPlan(DefinitionCodec.decode(payload.bytes))
            }
            for (id, plan) in plans { engine.restore(plan, id: id, namespace: .default) }
            for (_, row) in entities.sorted(by: { $0.key < $1.key }) { try engine.restore(row) }
            for row in runs.values where row.closedMillis == nil {
                let id = try RunCodec.planID(of: row.blob)
                let plan = try #require(plans[id])
                let columns = RunCodec.Columns(
                    id: row.run, namespace: Namespace(row.namespace), workflowID: row.workflowID,
                    status: row.status, startedMillis: row.startedMillis,
                    closedMillis: row.closedMillis)
                engine.restore(try RunCodec.decode(row.blob, columns, plan: plan), at: now)
            }
            settle()
        }

        var workflowIDs: [String] { runs.values.map(\.workflowID).sorted() }
        var openRuns: [RunRow] { runs.values.filter { $0.closedMillis == nil } }
    }

    static func schedule(
        _ overlap: ScheduleDefinition.Overlap = .allowAll, every seconds: Int64 = 60
    ) -> ScheduleDefinition {
        ScheduleDefinition(
            id: "s", namespace: .default, workflow: "chain", workflowIDPrefix: "s",
            input: Payload(bytes: Array("{}".utf8)),
            times: ScheduleTimes(intervals: [ScheduleTimes.Interval(everySeconds: seconds)]),
            overlap: overlap, catchUpMillis: 86_400_000)
    }

    static let name = ScheduleName(namespace: .default, id: "s")

    static func world(_ overlap: ScheduleDefinition.Overlap = .allowAll) throws -> World {
        var world = World()
        world.now.wallMillis = 30_000
        let put = PutDefinition(namespace: .default, definition: .chain(1))
        guard case .definitionPut = world.ask({ .putDefinition(put, $0) }) else {
            throw TestFailure("the definition was not put")
        }
        guard case .put(changed: true, _) = world.ask(.put(schedule(overlap))) else {
            throw TestFailure("the schedule was not put")
        }
        return world
    }

    struct TestFailure: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }

    @Test func `a run starts at each slot, named by it`() throws {
        var world = try Self.world()
        world.pass(millis: 29_999)
        #expect(world.runs.isEmpty)
        world.pass(millis: 1)
        world.pass(millis: 120_000)
        #expect(
            world.workflowIDs == [
                "s-1970-01-01T00:01:00Z", "s-1970-01-01T00:02:00Z", "s-1970-01-01T00:03:00Z",
            ])
        guard case .one(let view) = world.ask(.get(Self.name)) else {
            throw TestFailure("no answer")
        }
        #expect(view.state.counts.started == 3 && view.state.running.count == 3)
        #expect(view.upcomingMillis.first == 240_000)
    }

    @Test func `cancel-other ends the open run and starts the next one`() throws {
        var world = try Self.world(.cancelOther)
        world.pass(millis: 30_000)
        world.pass(millis: 60_000)
        #expect(world.runs.count == 2 && world.openRuns.count == 1)
        #expect(world.openRuns.first?.workflowID == "s-1970-01-01T00:02:00Z")
        #expect(world.runs.values.contains { $0.status == RunStatus.cancelled.rawValue })
    }

    @Test func `skip leaves slots out until the open run has ended`() throws {
        var world = try Self.world(.skip)
        world.pass(millis: 30_000)
        world.pass(millis: 60_000)
        #expect(world.runs.count == 1)
        let run = try #require(world.openRuns.first).run
        let cancel = CancelRun(run: .run(.default, run), reason: "")
        _ = world.ask { .cancelRun(cancel, $0) }
        world.pass(millis: 60_000)
        #expect(world.workflowIDs == ["s-1970-01-01T00:01:00Z", "s-1970-01-01T00:03:00Z"])
    }

    @Test func `a run that is tried again counts for its schedule, over a restart too`() throws {
        var world = try Self.world(.skip)
        world.pass(millis: 30_000)
        let run = try #require(world.openRuns.first).run
        _ = world.ask { .cancelRun(CancelRun(run: .run(.default, run), reason: ""), $0) }
        #expect(try world.state(of: "s").running == [])
        let retry = OperateRun(run: .run(.default, run), operation: .retry(reason: ""))
        guard case .operated = world.ask({ .operateRun(retry, $0) }) else {
            throw TestFailure("not tried again")
        }
        #expect(try world.state(of: "s").running == [run])
        world.pass(millis: 60_000)
        #expect(world.runs.count == 1, "skip leaves the slot out")
        try world.restart()
        #expect(try world.state(of: "s").running == [run])
        _ = world.ask { .cancelRun(CancelRun(run: .run(.default, run), reason: ""), $0) }
        #expect(try world.state(of: "s").running == [])
    }

    @Test func `schedules that share a run all hear of its end`() throws {
        var world = try Self.world(.skip)
        let other = ScheduleDefinition(
            id: "t", namespace: .default, workflow: "chain", workflowIDPrefix: "s",
            input: Payload(bytes: Array("{}".utf8)),
            times: ScheduleTimes(intervals: [ScheduleTimes.Interval(everySeconds: 60)]),
            overlap: .skip)
        _ = world.ask(.put(other))
        world.pass(millis: 30_000)
        let run = try #require(world.openRuns.first).run
        #expect(world.runs.count == 1)
        #expect(try world.state(of: "s").running == [run])
        #expect(try world.state(of: "t").running == [run])
        _ = world.ask { .cancelRun(CancelRun(run: .run(.default, run), reason: ""), $0) }
        #expect(try world.state(of: "s").running == [])
        #expect(try world.state(of: "t").running == [])
    }

    @Test func `pause, resume, trigger and delete`() throws {
        var world = try Self.world()
        _ = world.ask(.pause(Self.name, reason: "maintenance"))
        world.pass(millis: 300_000)
        #expect(world.runs.isEmpty)
        let trigger = ScheduleCommand.trigger(Self.name, requestID: "r1")
        guard case .triggered(let slot, let id, true) = world.ask(trigger),
            case .triggered(let again, _, true) = world.ask(trigger)
        else { throw TestFailure("not triggered") }
        #expect(slot == again && slot.millis == 330_000)
        #expect(world.workflowIDs == [id])
        _ = world.ask(.resume(Self.name, reason: ""))
        world.pass(millis: 30_000)
        #expect(world.workflowIDs == ["s-1970-01-01T00:06:00Z", id])
        _ = world.ask(.delete(Self.name))
        world.pass(millis: 600_000)
        #expect(world.runs.count == 2 && world.entities.isEmpty)
        guard case .rejected(let rejection) = world.ask({ .schedule(.get(Self.name), $0) }) else {
            throw TestFailure("found what was deleted")
        }
        #expect(rejection.reason == "SCHEDULE_NOT_FOUND")
    }

    @Test func `starts that find the batch full go with the next one`() throws {
        var world = try Self.world()
        // 250 commands: the batch of 256 has room for six of the hundred starts.
        let starts = (0..<150).map { number -> Command in
            .startRun(
                StartRun(
                    namespace: .default, definition: "chain", workflowID: "by-hand-\(number)",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail),
                ReplyTicket(port: 1, call: UInt64(number)))
        }
        let triggers = (0..<100).map { number -> Command in
            .schedule(
                .trigger(Self.name, requestID: "r\(number)"),
                ReplyTicket(port: 2, call: UInt64(number)))
        }
        world.engine.submit(contentsOf: starts + triggers)
        world.settle()
        #expect(world.runs.count == 250)
    }

    @Test func `the same schedule again changes nothing, an unknown workflow is refused`() throws {
        var world = try Self.world()
        guard case .put(changed: false, _) = world.ask(.put(Self.schedule())) else {
            throw TestFailure("it changed")
        }
        var other = Self.schedule()
        other.workflow = "none"
        guard case .rejected(let rejection) = world.ask({ .schedule(.put(other), $0) }) else {
            throw TestFailure("it was taken")
        }
        #expect(rejection.reason == "WORKFLOW_NOT_FOUND")
        guard case .list(let views, more: false) = world.ask(.list(.default, after: nil, limit: 5))
        else { throw TestFailure("no list") }
        #expect(views.map(\.definition.id) == ["s"])
    }

    @Test func `a jump of the wall clock is noticed and made up for`() throws {
        var world = try Self.world()
        world.now.wallMillis += 600_000
        world.settle()
        #expect(world.runs.isEmpty)
        world.pass(millis: 5_000)
        #expect(world.runs.count == 10)
    }

    /// Kills at any moment, also with a batch that never reaches the disk, and clocks that jump:
    /// each slot has one run, and none is missing.
    @Test(arguments: UInt64(1)...20)
    func `one run for each slot through kills and clock jumps`(seed: UInt64) throws {
        var random = seed
        func below(_ bound: UInt64) -> Int64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(random >> 33) % Int64(bound)
        }
        var world = try Self.world()
        for _ in 0..<60 {
            switch below(5) {
            case 0: world.pass(millis: below(200_000))
            case 1: world.now.wallMillis += below(900_000)
            case 2: try world.restart()
            case 3:
                // What this turn decides is lost with the process.
                world.now.monotonicNanos += 60_000_000_000
                world.now.wallMillis += 60_000
                _ = world.engine.turn(world.now, random: 1)
                try world.restart()
            default: world.pass(millis: 5_000)
            }
        }
        try world.restart()
        world.pass(millis: 5_000)
        let ids = world.workflowIDs
        #expect(Set(ids).count == ids.count, "seed \(seed)")
        let slots = (1...world.now.wallMillis / 60_000).map {
            Self.schedule().workflowID(of: ScheduleSlot(millis: $0 * 60_000))
        }
        #expect(Set(ids) == Set(slots), "seed \(seed): \(ids.count) of \(slots.count)")
    }
}
