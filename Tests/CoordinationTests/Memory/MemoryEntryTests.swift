import Coordination
import Testing

@Suite struct MemoryEntryTests {
    /// An entry whose every part says something.
    private static func entry(
        key: String = "k", value: [UInt8] = [9], type: String = "t", revision: Int64 = 7,
        createdRevision: Int64 = 3, version: Int64 = 2, createdMillis: Int64 = 1_000,
        updatedMillis: Int64 = 2_000, actor: String = "me", expiresMillis: Int64 = 9_000
    ) -> MemoryEntry {
        MemoryEntry(
            key: MemoryKey(key), value: Payload(bytes: value, contentType: type),
            revision: revision, createdRevision: createdRevision, version: version,
            createdMillis: createdMillis, updatedMillis: updatedMillis, actor: actor,
            expiresMillis: expiresMillis)
    }

    @Test func `entries are equal when all their parts are`() {
        #expect(Self.entry() == Self.entry())
        #expect(Self.entry().hashValue == Self.entry().hashValue)
    }

    @Test(arguments: [
        entry(key: "l"), entry(value: [8]), entry(type: "u"), entry(revision: 8),
        entry(createdRevision: 4), entry(version: 3), entry(createdMillis: 1_001),
        entry(updatedMillis: 2_001), entry(actor: "you"), entry(expiresMillis: 9_001),
    ])
    func `one part that differs makes another entry`(other: MemoryEntry) {
        #expect(Self.entry() != other)
    }
}
