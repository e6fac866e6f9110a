import Coordination
import Store
import Testing

@testable import Engine

/// What steps do by the operating mode of their namespace.
@Suite struct StepModeTests {
    private static func step(_ id: String, _ modes: ModeBehavior) -> StepDefinition {
        var step = StepDefinition(id: id, agentType: "w", operation: "work")
        step.modes = modes
        return step
    }

    private static func set(_ rig: RemoteRig, _ mode: OperatingMode?) {
        let set = SetMode(
            namespace: .default, mode: mode, forMillis: nil, signature: Signature(actor: "ann"))
        rig.post(.breaker(.setMode(set), rig.ticket()))
    }

    /// The steps of an ended run.
    private static func steps(_ rig: RemoteRig, _ run: RunID) throws -> [StepRecord] {
        try RunReader.state(of: try #require(rig.runs[run]), rig.plans).steps
    }

    @Test func `a held step goes on when the mode returns, over a restart too`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        Self.set(rig, .emergency)
        let run = try #require(rig.start([Self.step("s", ModeBehavior(emergency: .hold))]))
        #expect(rig.taken(1).isEmpty)
        #expect(rig.state(run)?.steps[0].state == .scheduled)
        try rig.restart()
        _ = rig.hello(2)
        #expect(rig.engine.mode(of: .default) == .emergency)
        #expect(rig.taken(2).isEmpty)
        Self.set(rig, .degraded)
        let token = try #require(rig.taken(2).first?.token)
        rig.say(2, results: [(token, "1")])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `a step that waits for a slot when the mode changes is held`() throws {
        let rig = RemoteRig()
        let run = try #require(rig.start([Self.step("s", ModeBehavior(emergency: .hold))]))
        Self.set(rig, .emergency)
        _ = rig.hello(1)
        #expect(rig.taken(1).isEmpty)
        #expect(rig.engine.breakers.modes[.default]?.held.count == 1)
        // Paused and terminated runs leave nothing behind that waits for a mode.
        rig.post(
            .operateRun(
                OperateRun(
                    run: .run(.default, run), operation: .terminate(reason: ""), requestID: ""),
                rig.ticket()))
        #expect(rig.engine.breakers.modes[.default]?.held.isEmpty == true)
        #expect(rig.runs[run]?.status == RunStatus.terminated.rawValue)
    }

    @Test func `steps are skipped or refused, and a fallback takes the place of a refused one`()
        throws
    {
        let rig = RemoteRig()
        _ = rig.hello(1)
        Self.set(rig, .degraded)
        var replaced = Self.step("replaced", ModeBehavior(degraded: .refuse))
        replaced.fallback = StepWork(agentType: "w", operation: "work")
        var optional = Self.step("optional", ModeBehavior(degraded: .refuse))
        optional.isRequired = false
        let run = try #require(
            rig.start([Self.step("skipped", ModeBehavior(degraded: .skip)), replaced, optional]))
        let token = try #require(rig.taken(1).first?.token)
        rig.say(1, results: [(token, "1")])
        let steps = try Self.steps(rig, run)
        #expect(steps.map(\.state) == [.skipped, .completed, .failed])
        #expect(steps[2].failure?.type == "refused_by_mode")
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `what a step returned for the same input is its output, over a restart too`() throws
    {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let steps = [Self.step("s", ModeBehavior(emergency: .cached))]
        _ = try #require(rig.start(steps))
        let token = try #require(rig.taken(1).first?.token)
        rig.say(1, results: [(token, #"{"known":1}"#)])
        Self.set(rig, .emergency)
        try rig.restart()
        _ = rig.hello(2)
        let known = try #require(rig.start(steps))
        #expect(rig.taken(2).isEmpty)
        let output = try #require(try Self.steps(rig, known)[0].output)
        #expect(rig.payloads[output]?.text == #"{"known":1}"#)
        let unknown = try #require(rig.start(steps, input: #"{"other":1}"#))
        #expect(try Self.steps(rig, unknown)[0].failure?.type == "nothing_cached")
    }

    @Test func `modes that mean nothing for a kind are named`() {
        var wait = StepDefinition(id: "a", agentType: "", operation: "")
        wait.kind = .wait(WaitSpec(millis: 5))
        wait.modes = ModeBehavior(degraded: .hold)
        var list = Self.step("b", ModeBehavior(emergency: .cached))
        list.kind = .fanOut(FanOutSpec())
        let definition = WorkflowDefinition(name: "w", version: "1", steps: [wait, list])
        let faults = #expect(throws: DefinitionFaults.self) { _ = try WorkflowPlan(definition) }
        #expect(faults?.faults.map(\.field) == ["steps[0].modes", "steps[1].modes.emergency"])
    }
}
