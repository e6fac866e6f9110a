import Coordination
import Store
import Testing

@testable import Engine

/// Types whose instances differ in what they can do: an upgrade, or a restart in an unlucky order.
@Suite struct MixedTypeTests {
    private static func step(_ operation: String, id: String = "s") -> StepDefinition {
        StepDefinition(id: id, agentType: "w", operation: operation)
    }

    @Test func `after a restart a step waits for an instance that has its operation`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/y", credits: 0, can: ["work", "new"])
        let run = try #require(rig.start([Self.step("new")]))
        try rig.restart()
        _ = rig.hello(2, id: "w/x")
        #expect(rig.state(run)?.steps[0].state == .scheduled)
        #expect(rig.taken(2).isEmpty)
        rig.pass(millis: 900)
        _ = rig.hello(3, id: "w/y", can: ["work", "new"])
        let work = rig.taken(3)
        #expect(work.map(\.operation) == ["new"])
        rig.say(3, results: [(work[0].token, "{}")])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `after a restart a compensation waits for one too`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/y", credits: 1, can: ["work", "undo"])
        var book = Self.step("work", id: "book")
        book.compensation = StepWork(agentType: "w", operation: "undo")
        var wait = StepDefinition(id: "wait", agentType: "", operation: "", dependsOn: ["book"])
        wait.kind = .wait(WaitSpec(signal: "never"))
        let run = try #require(rig.start([book, wait]))
        rig.say(1, results: [(rig.taken(1)[0].token, "{}")])
        let cancel = CancelRun(run: .run(.default, run), reason: "")
        rig.post(.cancelRun(cancel, rig.ticket()))
        try rig.restart()
        _ = rig.hello(2, id: "w/x")
        #expect(rig.state(run)?.status == .compensating)
        _ = rig.hello(3, id: "w/y", can: ["work", "undo"])
        let work = rig.taken(3)
        #expect(work.map(\.operation) == ["undo"])
        rig.say(3, results: [(work[0].token, "{}")])
        #expect(rig.runs[run]?.status == RunStatus.cancelled.rawValue)
    }

    @Test func `a step that nobody can do fails when its time to start is over`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        var step = Self.step("nope")
        step.scheduleToStartMillis = 800
        let run = try #require(rig.start([step]))
        rig.pass(millis: 799)
        rig.say(1)
        let ticket = rig.ticket()
        rig.post(.insight(.explain(.run(.default, run)), ticket))
        guard case .insight(.explained(_, let causes)) = rig.answers[ticket.call]?.first else {
            Issue.record("not explained")
            return
        }
        #expect(causes.map(\.kind) == [.noAgent])
        #expect(causes.first?.message.contains("has operation \"nope\"") == true)
        rig.pass(millis: 1)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        let state = try RunReader.state(of: #require(rig.runs[run]), rig.plans)
        #expect(state.steps[0].failure?.type == "unknown_operation")
        #expect(state.steps[0].failure?.message.contains("have work") == true)
    }

    @Test func `a call in line is not given to one that cannot do it, and hears that nobody can`() {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/x", credits: 1)
        _ = rig.hello(2, id: "w/y", credits: 1, can: ["work", "new"])
        _ = rig.invoke("work", instance: "w/x")
        _ = rig.invoke("new")
        let waiting = rig.invoke("new")
        let patient = rig.invoke("new", startByNanos: rig.now.monotonicNanos + 900_000_000)
        #expect(rig.answers[waiting] == nil)
        rig.leave(2)
        #expect(rig.reason(waiting) == "OPERATION_NOT_FOUND")
        rig.say(1, results: [(rig.taken(1)[0].token, "{}")], credits: 8)
        #expect(rig.taken(1).isEmpty)
        #expect(rig.answers[patient] == nil)
        _ = rig.hello(3, id: "w/y", can: ["work", "new"])
        #expect(rig.taken(3).count == 1)
        #expect(rig.reason(rig.invoke("nope")) == "OPERATION_NOT_FOUND")
    }

    @Test func `a call for one instance hears at once that it lacks the operation`() {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/x")
        _ = rig.hello(2, id: "w/y", can: ["work", "new"])
        let call = rig.invoke("new", instance: "w/x")
        #expect(rig.reason(call) == "OPERATION_NOT_FOUND")
        #expect(rig.taken(1).isEmpty)
        #expect(rig.engine.jobs.count == 0)
        let probe = rig.invoke(Assignment.healthOperation, instance: "w/x")
        #expect(rig.reason(probe) == nil && rig.taken(1).count == 1)
    }

    @Test func `a free instance finds its work behind any amount of others' work`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/x", credits: 1, can: ["slow"])
        _ = rig.hello(2, id: "w/y", credits: 1, can: ["fast"])
        for _ in 0..<300 { _ = rig.invoke("slow") }
        let first = rig.invoke("fast")
        let second = rig.invoke("fast")
        let run = try #require(rig.start([Self.step("fast")]))
        #expect(rig.taken(1).count == 1)
        for (call, count) in [(first, 1), (second, 1)] {
            let work = rig.taken(2)
            #expect(work.count == count)
            rig.say(2, results: [(work[0].token, "{}")], credits: 1)
            #expect(rig.answers[call]?.count == 1)
        }
        #expect(rig.taken(2).first?.origin?.run == run)
    }
}
