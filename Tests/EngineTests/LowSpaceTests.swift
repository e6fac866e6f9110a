import Coordination
import Testing

@testable import Engine

/// What open runs are given while the disk is nearly full.
@Suite struct LowSpaceTests {
    private func signal(_ rig: RemoteRig, _ run: RunID, _ name: String) -> UInt64 {
        let ticket = rig.ticket()
        let signal = RunSignal(name: name, payload: Payload(bytes: Array("1".utf8)))
        rig.post(
            .operateRun(OperateRun(run: .run(.default, run), operation: .signal(signal)), ticket))
        return ticket.call
    }

    @Test func `a signal that a step waits for is taken, one that would be kept is not`() throws {
        let rig = RemoteRig()
        var wait = StepDefinition(id: "w", agentType: "", operation: "")
        wait.kind = .wait(WaitSpec(signal: "go"))
        let run = try #require(rig.start([wait]))
        rig.engine.isLowOnSpace = true
        let refused = signal(rig, run, "other")
        #expect(rig.reason(refused) == "DISK_FULL")
        guard case .rejected(let rejection) = rig.answers[refused]?.first else {
            Issue.record("no answer")
            return
        }
        #expect(rejection.message.contains("less than 64 MiB"), "how much must be freed")
        #expect(rig.reason(signal(rig, run, "go")) == nil)
        #expect(rig.state(run) == nil, "it has ended")
    }
}
