import Coordination
import Engine
import Logging
import Testing

@testable import cadre

/// What a full disk keeps out at the start is put when there is room.
@Suite struct DomainProvisionerTests {
    /// An engine that has room or not, and a breaker or not.
    private actor Script {
        private var hasRoom = false
        private(set) var stored: Set<String> = []
        var refusal = Rejection(.overloaded, reason: "DISK_FULL", "the disk is full")

        func makeRoom() { hasRoom = true }
        func refuse(_ rejection: Rejection) { refusal = rejection }

        func put(_ name: String) -> Rejection? {
            guard hasRoom else { return refusal }
            stored.insert(name)
            return nil
        }
    }

    private func provisioner(_ script: Script, _ names: [String]) -> DomainProvisioner {
        let items = names.map { name in DomainItem(name: name) { _ in await script.put(name) } }
        return DomainProvisioner(items, log: Logger(label: "test")) { _ in .snapshot(.init()) }
    }

    @Test func `what had no room is named, and put later`() async throws {
        let script = Script()
        let domain = provisioner(script, ["workflow a", "breaker b"])
        try await domain.provide()
        #expect(domain.missingNames == ["workflow a", "breaker b"])
        #expect(domain.failure?.hasPrefix("workflow a and 1 more") == true)
        var tries = 0
        await domain.provideLater {
            tries += 1
            if tries == 3 { await script.makeRoom() }
        }
        #expect(tries == 3)
        #expect(await script.stored == ["workflow a", "breaker b"])
        #expect(domain.failure == nil)
    }

    @Test func `a server that stops tries no more`() async throws {
        let domain = provisioner(Script(), ["workflow a"])
        try await domain.provide()
        await domain.provideLater { throw CancellationError() }
        #expect(domain.missingNames == ["workflow a"])
    }

    @Test func `another refusal ends the start`() async {
        let script = Script()
        await script.refuse(Rejection(.invalid, reason: "WRONG", "it is wrong"))
        let failed = await #expect(throws: Failed.self) {
            try await provisioner(script, ["workflow a"]).provide()
        }
        #expect(failed?.description == "workflow a is not defined: it is wrong")
    }
}
