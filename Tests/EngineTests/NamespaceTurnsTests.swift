import Coordination
import Testing

@testable import Engine

/// Namespaces share the instances of a type, but no key.
@Suite struct NamespaceTurnsTests {
    private func invoke(_ rig: RemoteRig, _ namespace: String, _ extras: InvokeExtras?) {
        rig.post(
            .invoke(
                Invoke(
                    namespace: Namespace(namespace), agentType: "w", operation: "work",
                    payload: Payload(bytes: Array("1".utf8)), deadlineNanos: nil,
                    arrivedNanos: rig.now.monotonicNanos, extras: extras), rig.ticket()))
    }

    @Test(arguments: ["k", nil])
    func `a namespace does not wait behind the backlog of another, whatever their keys`(
        key: String?
    ) {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 0)
        let extras = key.map { InvokeExtras(fairnessKey: $0) }
        for _ in 0..<10 { invoke(rig, "a", extras) }
        invoke(rig, "b", extras)
        rig.say(1, credits: 2)
        #expect(rig.taken(1).map(\.namespace.name) == ["a", "b"])
    }

    @Test func `nor do steps`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 0)
        for _ in 0..<10 { invoke(rig, "a", nil) }
        #expect(rig.start() != nil)
        rig.say(1, credits: 2)
        #expect(Set(rig.taken(1).map(\.namespace.name)) == ["a", "default"])
    }

    @Test func `a key prefers an instance for its own namespace only`() {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/1")
        _ = rig.hello(2, id: "w/2")
        let extras = InvokeExtras(affinityKey: "k")
        invoke(rig, "a", extras)
        let home = rig.taken(1).isEmpty ? 2 : 1
        if home == 2 { #expect(rig.taken(2).count == 1) }
        invoke(rig, "b", extras)
        #expect(rig.taken(3 - home).count == 1, "the other one is less loaded")
        for _ in 0..<3 { invoke(rig, "a", extras) }
        #expect(rig.taken(home).count == 3, "and a's key stays where it was")
    }
}
