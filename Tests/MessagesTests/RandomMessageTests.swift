import InteropMessages
import Messages
import Testing

/// SplitMix64, so that a printed seed tells the whole run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

struct RandomMessageTests {
    private func seed() -> UInt64 {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        return seed
    }

    @Test func `damaged messages are read or refused, and what is read can be written`() throws {
        let seed = seed()
        var random = SeededGenerator(seed: seed)
        let sources = try PythonVectors.bytes.keys.sorted().map(WireBytes.vector)
        for round in 0..<20_000 {
            guard var bytes = sources.randomElement(using: &random), !bytes.isEmpty else {
                continue
            }
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                damage(&bytes, &random)
            }
            try check(Every.Singular.self, bytes, seed, round)
            try check(Every.Repeated.self, bytes, seed, round)
            try check(Every.Maps.self, bytes, seed, round)
            try check(Every.Choice.self, bytes, seed, round)
        }
    }

    /// A message that was read must be equal to itself written and read again. Floats that are not
    /// numbers differ from themselves, so their bytes are compared.
    private func check<Message: WireMessage>(
        _ type: Message.Type, _ bytes: [UInt8], _ seed: UInt64, _ round: Int
    ) throws {
        let message: Message
        do {
            message = try Message.decoded(from: bytes)
        } catch {
            // What the check lets pass protobuf-c must accept.
            #expect(error.reason != .refusedByCodec, "seed \(seed), round \(round)")
            return
        }
        let written = message.encoded()
        let again = try Message.decoded(from: written)
        #expect(again == message || again.encoded() == written, "seed \(seed), round \(round)")
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: index)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
        default: bytes.removeSubrange(index..<min(index + 5, bytes.count))
        }
    }

    @Test func `random messages survive writing and reading`() throws {
        let seed = seed()
        var random = SeededGenerator(seed: seed)
        for round in 0..<2000 {
            let message = Self.repeated(&random)
            let bytes = message.encoded(leaving: 5)
            #expect(bytes.prefix(5).allSatisfy { $0 == 0 })
            let again = try Every.Repeated.decoded(from: Array(bytes.dropFirst(5)))
            #expect(again == message, "seed \(seed), round \(round)")
        }
    }

    private static func repeated(_ random: inout SeededGenerator) -> Every.Repeated {
        func list<Element>(_ element: () -> Element) -> [Element] {
            (0..<Int.random(in: 0..<6, using: &random)).map { _ in element() }
        }
        return Every.Repeated(
            int32Field: list { .random(in: .min ... .max, using: &random) },
            int64Field: list { .random(in: .min ... .max, using: &random) },
            uint32Field: list { .random(in: .min ... .max, using: &random) },
            uint64Field: list { .random(in: .min ... .max, using: &random) },
            sint32Field: list { .random(in: .min ... .max, using: &random) },
            sint64Field: list { .random(in: .min ... .max, using: &random) },
            doubleField: list { .random(in: -1e300...1e300, using: &random) },
            boolField: list { .random(using: &random) },
            stringField: list { text(&random) },
            bytesField: list { Array(text(&random).utf8) },
            colour: list { Every.Colour(rawValue: .random(in: -2...9, using: &random)) },
            node: list { node(&random, depth: 4) })
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = ["a", "\u{E9}", "\u{4E16}", "\u{1F600}", " ", "\u{1}"]
        var text = ""
        for _ in 0..<Int.random(in: 0..<30, using: &random) {
            text.unicodeScalars.append(scalars.randomElement(using: &random) ?? "b")
        }
        return text
    }

    private static func node(_ random: inout SeededGenerator, depth: Int) -> Every.Node {
        guard depth > 0 else { return Every.Node() }
        var node = Every.Node(value: .random(in: -9...9, using: &random))
        if Bool.random(using: &random) { node.child = self.node(&random, depth: depth - 1) }
        if Bool.random(using: &random) { node.children = [self.node(&random, depth: depth - 1)] }
        if Bool.random(using: &random) { node.side = .left(self.node(&random, depth: depth - 1)) }
        return node
    }
}
