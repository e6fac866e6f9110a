import InteropMessages
import Messages
import Testing

/// What the check before unpacking refuses.
struct RefusalTests {
    @Test func `a hundred levels of nesting are read`() throws {
        #expect(refusal(Every.Node.self, WireBytes.nested(100)) == nil)
        #expect(WireBytes.nested(100) == (try WireBytes.vector("nested100")))
    }

    @Test(arguments: [101, 1000, 20_000, 200_000], [UInt64(2), 3, 4])
    func `deeper nesting is refused, by child, list and oneof`(depth: Int, field: UInt64) throws {
        let error = try #require(
            refusal(Every.Node.self, WireBytes.nested(depth, field: field)))
        #expect(error.reason == .nestingTooDeep)
        #expect(error.field == "cadre.testing.v1.Node")
    }

    @Test func `the depth limit can be lowered`() throws {
        let limits = DecodeLimits(maxDepth: 2)
        #expect(refusal(Every.Node.self, WireBytes.nested(2), limits: limits) == nil)
        let error = refusal(Every.Node.self, WireBytes.nested(3), limits: limits)
        #expect(error?.reason == .nestingTooDeep)
    }

    static let badUTF8: [[UInt8]] = [
        [0xC3, 0x28], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
        [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80],
        [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ]

    @Test(arguments: badUTF8, [0, 1, 7, 8, 9, 64])
    func `invalid UTF-8 is refused where it stands`(bad: [UInt8], before: Int) throws {
        let text =
            [UInt8](repeating: 0x61, count: before) + bad + [UInt8](repeating: 0x62, count: 9)
        let header = WireBytes.tag(14, 2).count + 1
        let error = try #require(refusal(Every.Singular.self, WireBytes.delimited(14, text)))
        #expect(error.reason == .invalidUTF8)
        #expect(error.offset == header + before)
        #expect(error.field == "cadre.testing.v1.Singular.string_field")
    }

    @Test(arguments: [
        "", "a", "plain ascii, more than eight", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}",
        "\u{10000}\u{10FFFF}\u{D7FF}\u{E000}", "eight888\u{E9}",
    ])
    func `every valid text is read`(text: String) throws {
        let bytes = WireBytes.delimited(14, Array(text.utf8))
        #expect(try Every.Singular.decoded(from: bytes).stringField == text)
    }

    @Test(arguments: [0, 3, 8, 20])
    func `NUL inside a string is refused`(before: Int) throws {
        let text = [UInt8](repeating: 0x61, count: before) + [0, 0x61]
        let error = try #require(refusal(Every.Repeated.self, WireBytes.delimited(14, text)))
        #expect(error.reason == .nulInString)
        #expect(error.offset == 2 + before)
    }

    @Test func `strings of maps, lists and oneofs are checked too`() {
        let inMap = WireBytes.delimited(1, WireBytes.delimited(2, [0xFF]))
        #expect(refusal(Every.Maps.self, inMap)?.field == "cadre.testing.v1.Maps.TextEntry.value")
        let inOneof = WireBytes.delimited(2, [0xFF])
        #expect(refusal(Every.Choice.self, inOneof)?.field == "cadre.testing.v1.Choice.text")
    }

    @Test func `bytes may be anything`() throws {
        let bytes = WireBytes.delimited(15, [0, 0xFF, 0xC3, 0x28])
        #expect(try Every.Singular.decoded(from: bytes).bytesField == [0, 0xFF, 0xC3, 0x28])
    }

    static let malformed: [([UInt8], WireError.Reason)] = [
        ([0x08], .truncated),
        ([0x08, 0x80], .truncated),
        ([0x08] + [UInt8](repeating: 0x80, count: 10), .malformedVarint),
        ([0x08] + [UInt8](repeating: 0xFF, count: 20), .malformedVarint),
        ([0x00, 0x00], .malformedTag),
        ([0x80, 0x80, 0x80, 0x80, 0x80, 0x01], .malformedVarint),
        ([0xF8, 0xFF, 0xFF, 0xFF, 0x1F, 0x01], .malformedVarint),
        ([0x0B], .group),
        ([0x0C], .group),
        ([0x0E], .malformedTag),
        ([0x0F], .malformedTag),
        ([0x72, 0x05, 0x61], .truncated),
        ([0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .truncated),
        ([0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .malformedVarint),
        ([0x72, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .malformedVarint),
        ([0x3D, 0x00, 0x00, 0x00], .truncated),
        ([0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], .truncated),
    ]

    @Test(arguments: malformed)
    func `what is not protobuf is refused`(bytes: [UInt8], reason: WireError.Reason) {
        #expect(refusal(Every.Singular.self, bytes)?.reason == reason)
    }

    static let brokenRows: [(UInt64, [UInt8])] = [
        (1, [0x80, 0x80, 0x80]), (7, [1, 2, 3]), (12, [1, 2, 3, 4]), (13, [0x81]),
        (16, [UInt8](repeating: 0x80, count: 11)),
    ]

    @Test(arguments: brokenRows)
    func `packed fields must be whole`(field: UInt64, bytes: [UInt8]) {
        let error = refusal(Every.Repeated.self, WireBytes.delimited(field, bytes))
        #expect(error?.reason == .malformedPacked)
    }

    @Test func `an unknown field may hold what a string may not`() {
        let bytes = WireBytes.delimited(999, [0xFF, 0x00])
        #expect(refusal(Every.Singular.self, bytes) == nil)
    }

    @Test(arguments: [
        ("empty submessages in a list", UInt64(3)), ("empty submessages in a oneof", 4),
    ])
    func `a message that would grow fifty times is refused by memory`(name: String, field: UInt64) {
        let count = 4 * 1024 * 1024 / 2
        let pair = WireBytes.delimited(field, [])
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * pair.count)
        for _ in 0..<count { bytes += pair }
        let error = refusal(Every.Node.self, bytes)
        #expect(error?.reason == .memoryCapReached)
        #expect(error?.field == "cadre.testing.v1.Node")
    }

    @Test func `a rewrite is held to the same memory`() {
        var bytes = WireBytes.tag(1, 5) + [0, 0, 0, 0]
        for _ in 0..<1_000_000 { bytes += [0x1A, 0x00] }
        #expect(refusal(Every.Node.self, bytes)?.reason == .memoryCapReached)
    }

    @Test func `a large message a hundred levels deep is rewritten in one go`() throws {
        // The innermost node has a payload of 1 MiB and a field with a foreign wire type.
        let text = [UInt8](repeating: 0x61, count: 1 << 20)
        var bytes = WireBytes.delimited(5, text) + WireBytes.tag(1, 5) + [0, 0, 0, 0]
        for _ in 0..<100 { bytes = WireBytes.delimited(2, bytes) }
        var node = try Every.Node.decoded(from: bytes)
        for _ in 0..<100 { node = try #require(node.child) }
        #expect(node == Every.Node(side: .leaf(String(repeating: "a", count: 1 << 20))))
    }

    @Test func `an honest large message stays under the cap`() throws {
        let nodes = (0..<100_000).map { Every.Node(value: $0, side: .leaf("leaf number \($0)")) }
        let message = Every.Repeated(node: nodes)
        #expect(try Every.Repeated.decoded(from: message.encoded()) == message)
        let payload = Every.Singular(bytesField: [UInt8](repeating: 7, count: 2 << 20))
        #expect(try Every.Singular.decoded(from: payload.encoded()) == payload)
    }

    @Test func `every prefix of a message is read or refused, never more`() throws {
        for name in ["singularExtremes", "repeatedFull", "maps"] {
            let bytes = try WireBytes.vector(name)
            for count in 0..<bytes.count {
                let prefix = Array(bytes[..<count])
                _ = refusal(Every.Singular.self, prefix)
                _ = refusal(Every.Repeated.self, prefix)
                _ = refusal(Every.Maps.self, prefix)
            }
        }
        // A cut inside a field is always seen.
        let bytes = try WireBytes.vector("singularExtremes")
        let cut = Array(bytes.dropLast())
        #expect(refusal(Every.Singular.self, cut)?.reason == .truncated)
    }
}
