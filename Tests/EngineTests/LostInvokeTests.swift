import Coordination
import Testing

@testable import Engine

/// Calls whose instance is lost while it works, and that may be made again.
@Suite struct LostInvokeTests {
    private func invoke(
        _ rig: RemoteRig, start: Int64?, deadline: Int64? = nil
    ) -> UInt64 {
        let now = rig.now.monotonicNanos
        let ticket = rig.ticket()
        rig.post(
            .invoke(
                Invoke(
                    namespace: .default, agentType: "w", operation: "work",
                    payload: Payload(bytes: Array("1".utf8)),
                    deadlineNanos: deadline.map { now + $0 * 1_000_000 }, arrivedNanos: now,
                    extras: InvokeExtras(startByNanos: start.map { now + $0 * 1_000_000 })),
                ticket))
        return ticket.call
    }

    @Test(arguments: [nil, 20_000] as [Int64?], [false, true])
    func `a call that was lost waits for another instance up to its time to start`(
        deadline: Int64?, isExpired: Bool
    ) {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        let call = invoke(rig, start: 2_500, deadline: deadline)
        #expect(rig.taken(1).count == 1)
        if isExpired { rig.drop(1) } else { rig.leave(1) }
        rig.pass(millis: 1_000)
        rig.pass(millis: 1_499)
        #expect(rig.answers[call] == nil)
        rig.pass(millis: 1)
        #expect(rig.reason(call) == "INSTANCE_LOST", "it may have run")
        #expect(rig.engine.jobs.count == 0)
    }

    @Test func `a call that another instance takes up in time has no time to start any more`() {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        let call = invoke(rig, start: 500)
        #expect(rig.taken(1).count == 1)
        rig.leave(1)
        _ = rig.hello(2, id: "w/2", isIdempotent: true)
        let work = rig.taken(2)
        #expect(work.map(\.attempt) == [2])
        rig.pass(millis: 600)
        #expect(rig.answers[call] == nil)
        rig.say(2, results: [(work[0].token, "{}")])
        #expect(rig.answers[call]?.count == 1 && rig.reason(call) == nil)
    }

    @Test(arguments: [false, true])
    func `a call waits for the only worker while that is cut off, as long as its lease`(
        isBack: Bool
    ) throws {
        let rig = RemoteRig()
        let welcome = try #require(rig.hello(1))
        rig.drop(1)
        let call = invoke(rig, start: nil)
        rig.pass(millis: 999)
        #expect(rig.answers[call] == nil)
        if isBack {
            #expect(rig.hello(2, resume: welcome.session)?.isResumed == true)
            #expect(rig.taken(2).count == 1)
        } else {
            rig.pass(millis: 1)
            #expect(rig.reason(call) == "NO_LIVE_INSTANCE")
        }
    }

    @Test func `whatever keeps a lost call from its next attempt, the first may have run`() {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        let lost = invoke(rig, start: nil)
        #expect(rig.taken(1).count == 1)
        _ = rig.hello(2, id: "w/2", credits: 0, isIdempotent: true)
        let new = rig.invoke(instance: "w/2")
        rig.leave(1)
        #expect(rig.answers[lost] == nil, "it is in line for the other one")
        rig.leave(2)
        #expect(rig.reason(lost) == "INSTANCE_LOST")
        #expect(rig.reason(new) == "AGENT_NOT_FOUND")
    }
}
