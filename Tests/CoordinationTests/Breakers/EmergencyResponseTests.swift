import Coordination
import Testing

@Suite struct EmergencyResponseTests {
    static let start = OperatingModeTests.start

    static func later(_ millis: Int64) -> EngineTime { OperatingModeTests.later(millis) }

    static func call(_ operation: String) -> EmergencyAction.Call {
        EmergencyAction.Call(
            agentType: "risk", operation: operation, payload: Payload(bytes: [], contentType: ""))
    }

    static let plan = EmergencyPlan(
        actions: [
            EmergencyAction(name: "halt", apply: call("halt"), undo: call("resume")),
            EmergencyAction(name: "tell", apply: call("tell"), undo: nil),
            EmergencyAction(name: "page", apply: nil, undo: nil),
        ], retryMillis: 100, maxRetryMillis: 400)

    @Test func `everything is asked for at once and once`() {
        var response = EmergencyResponse()
        let orders = response.entered(Self.plan, at: Self.start)
        #expect(orders.map(\.action) == ["halt", "tell", "page"])
        #expect(orders.allSatisfy { !$0.isUndo && $0.attempt == 1 })
        #expect(response.due(Self.plan, at: Self.later(99)) == [])
        #expect(response.progress[0].call == Self.call("halt"))
    }

    @Test func `what is not acknowledged is asked for again, ever more slowly`() {
        var response = EmergencyResponse()
        let orders = response.entered(Self.plan, at: Self.start)
        #expect(response.acknowledged("halt", number: orders[0].number, of: Self.plan) == .taken)
        #expect(response.acknowledged("halt", number: orders[0].number, of: Self.plan) == .repeated)
        #expect(response.acknowledged("tell", number: orders[1].number, of: Self.plan) == .taken)
        var times: [Int64] = []
        while times.count < 5, let next = response.nextDeadlineNanos {
            let millis = (next - Self.start.monotonicNanos) / 1_000_000
            times.append(millis)
            #expect(response.due(Self.plan, at: Self.later(millis)).map(\.action) == ["page"])
        }
        #expect(times == [100, 300, 700, 1_100, 1_500])
    }

    @Test func `leaving undoes what was asked for, done or maybe done`() {
        var response = EmergencyResponse()
        let orders = response.entered(Self.plan, at: Self.start)
        _ = response.acknowledged("halt", number: orders[0].number, of: Self.plan)
        let undo = response.left(Self.plan, at: Self.later(10))
        #expect(undo.map(\.action) == ["halt", "page"])
        #expect(undo.allSatisfy { $0.isUndo })
        #expect(response.progress[0].call == Self.call("resume"))
        // The acknowledgement of the order to do it comes too late.
        #expect(response.acknowledged("page", number: orders[2].number, of: Self.plan) == .stale)
        for order in undo {
            #expect(
                response.acknowledged(order.action, number: order.number, of: Self.plan) == .taken)
        }
        #expect(response.progress.isEmpty)
        #expect(response.nextDeadlineNanos == nil)
        // What is undone is in nobody's hands any more; what never was is not known at all.
        #expect(
            response.acknowledged("page", number: orders[2].number, of: Self.plan) == .stale)
        #expect(response.acknowledged("zz", number: 1, of: Self.plan) == .unknown)
    }

    @Test func `a new emergency in the middle of undoing asks for everything anew`() {
        var response = EmergencyResponse()
        _ = response.entered(Self.plan, at: Self.start)
        let undo = response.left(Self.plan, at: Self.later(10))
        let again = response.entered(Self.plan, at: Self.later(20))
        #expect(again.map(\.action) == ["halt", "tell", "page"])
        #expect(response.acknowledged("halt", number: undo[0].number, of: Self.plan) == .stale)
        #expect(response.progress.count == 3)
        #expect(response.episodes == 2)
    }

    @Test func `a plan that changed meanwhile is undone as it was done`() {
        var response = EmergencyResponse()
        _ = response.entered(Self.plan, at: Self.start)
        let undo = response.left(EmergencyPlan(), at: Self.later(10))
        #expect(undo.map(\.action) == ["halt", "page"])
        // The next plan does not know them: their undoing goes on beside it.
        let other = EmergencyPlan(actions: [
            EmergencyAction(name: "other", apply: Self.call("x"), undo: nil)
        ])
        #expect(response.entered(other, at: Self.later(11)).map(\.action) == ["other"])
        #expect(response.progress.map(\.action.name) == ["halt", "page", "other"])
    }

    @Test func `every fault of a plan is named`() {
        let bad = EmergencyPlan(
            actions: [
                EmergencyAction(name: "", apply: nil, undo: nil),
                EmergencyAction(name: "a", apply: Self.call(""), undo: nil),
                EmergencyAction(name: "a", apply: nil, undo: nil),
            ], retryMillis: 1, maxRetryMillis: 0)
        #expect(
            bad.faults.map(\.field) == [
                "plan.retry_millis", "plan.max_retry_millis", "plan.actions[0].name",
                "plan.actions[1].apply.operation", "plan.actions[2].name",
            ])
    }

    /// Orders are given and lost at random; at the end all that was acknowledged stands.
    @Test(arguments: UInt64(1)...200)
    func `once all is acknowledged the world is as the mode wants it`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        var response = EmergencyResponse()
        var inEmergency = false
        var world: [String: (number: UInt64, done: Bool)] = [:]
        var millis: Int64 = 0
        func carryOut(_ orders: [EmergencyResponse.Order], _ random: inout DifferentialTests.Random)
        {
            for order in orders where random.next(3) > 0 {
                if order.number >= world[order.action]?.number ?? 0 {
                    world[order.action] = (order.number, !order.isUndo)
                }
                if random.next(3) > 0 {
                    _ = response.acknowledged(order.action, number: order.number, of: Self.plan)
                }
            }
        }
        for step in 0..<120 {
            millis += Int64(random.next(300))
            if step < 80, random.next(6) == 0 {
                inEmergency.toggle()
                carryOut(
                    inEmergency
                        ? response.entered(Self.plan, at: Self.later(millis))
                        : response.left(Self.plan, at: Self.later(millis)), &random)
            }
            carryOut(response.due(Self.plan, at: Self.later(millis)), &random)
        }
        while response.isPending {
            millis += 500
            carryOut(response.due(Self.plan, at: Self.later(millis)), &random)
        }
        for name in ["halt", "page"] {
            #expect((world[name]?.done ?? false) == inEmergency, "seed \(seed) \(name)")
        }
    }
}
