import Coordination
import Testing

/// Stored bytes of version 1, put together by hand from the format; this build must read and write
/// exactly these.
@Suite struct SharingCodecTests {
    @Test func `a change of shared memory is written and read as version 1 has it`() throws {
        // Version, kind, content type, created revision, version, created, updated, actor, expires.
        let golden: [UInt8] = [1, 1, 1, 0x74, 6, 4, 0xd0, 0x0f, 0xa0, 0x1f, 2, 0x6d, 0x65, 0]
        let entry = MemoryEntry(
            key: MemoryKey("k"), value: Payload(bytes: [9], contentType: "t"), revision: 7,
            createdRevision: 3, version: 2, createdMillis: 1_000, updatedMillis: 2_000, actor: "me")
        let change = MemoryChange(kind: .put, entry: entry)
        #expect(MemoryCodec.encode(change) == golden)
        let read = try MemoryCodec.decode(golden, key: MemoryKey("k"), revision: 7, value: [9])
        #expect(read == change)
        #expect(throws: CodecError.self) {
            try MemoryCodec.decode(
                [1, 9] + golden[2...], key: MemoryKey("k"), revision: 7, value: [])
        }
        #expect(throws: CodecError.self) {
            try MemoryCodec.decode([2], key: MemoryKey("k"), revision: 7, value: [])
        }
        for length in golden.indices {
            #expect(throws: CodecError.self) {
                try MemoryCodec.decode(
                    Array(golden[..<length]), key: MemoryKey("k"), revision: 7, value: [])
            }
        }
    }

    @Test func `where a revision line stands is read in the form before, too`() throws {
        let golden: [UInt8] = [2, 0x8c, 0x02, 10]
        #expect(MemoryCodec.encode(revision: 134, oldest: 5) == golden)
        let read = try MemoryCodec.decodeLine(golden)
        #expect(read == (134, 5))
        // The form before named the pieces of the window: the first revision, changes and bytes.
        let old: [UInt8] = [1, 0x8c, 0x02, 2, 10, 0x80, 1, 0xac, 2, 0x80, 0x02, 2, 20]
        let readOld = try MemoryCodec.decodeLine(old)
        #expect(readOld == (134, 5))
        let unwritten = try MemoryCodec.decodeLine([1, 0, 0])
        #expect(unwritten == (0, 1))
        #expect(throws: CodecError.self) { try MemoryCodec.decodeLine([2, 2]) }
        #expect(throws: CodecError.self) { try MemoryCodec.decodeLine([3, 2, 2]) }
    }

    @Test func `an acquire is written and read as version 1 has it, and read in no other way`()
        throws
    {
        let golden: [UInt8] = [
            1, 1, 0x6f, 1, 0x70, 0xd0, 0x0f, 0xa0, 0x1f, 2, 1, 0x61, 1, 5, 1, 0x62, 2, 6,
        ]
        let claim = LockClaim(
            wishes: [LockWish("a", .exclusive), LockWish("b", .shared)], owner: "o",
            leaseMillis: 1_000, purpose: "p")
        let acquire = LockAcquire(serial: 6, claim: claim, tokens: [5, 6], grantedMillis: 2_000)
        #expect(LockCodec.encode(acquire) == golden)
        #expect(try LockCodec.decode(golden, serial: 6) == acquire)
        var wrong = golden
        wrong[12] = 3
        #expect(throws: CodecError.self) { try LockCodec.decode(wrong, serial: 6) }
        #expect(throws: CodecError.self) { try LockCodec.decode([2] + golden[1...], serial: 6) }
        for length in golden.indices {
            #expect(throws: CodecError.self) {
                try LockCodec.decode(Array(golden[..<length]), serial: 6)
            }
        }
    }
}
