import Coordination
import JSON
import Testing

/// Random conditions against a naive evaluator, and random bytes against the parser.
@Suite struct ConditionFuzzTests {
    @Test(arguments: [1, 77, 20_261_125] as [UInt64])
    func `conditions come to what the naive evaluator says`(seed: UInt64) throws {
        var random = RandomCondition(seed: seed)
        let world = try JSONDocument(parsing: RandomCondition.world)
        var scope = JSONScope(roots: ["x": world])
        var tally: [Bool?: Int] = [:]
        for _ in 0..<4_000 {
            let (naive, text) = random.condition()
            let condition = try Condition(parsing: text)
            let value = condition.evaluate(in: &scope)
            #expect(value == naive.value, "seed \(seed): \(text)")
            #expect(condition.holds(in: &scope) == (naive.value == true))
            tally[value, default: 0] += 1

            let canonical = condition.description
            let again = try Condition(parsing: canonical)
            #expect(again.root == condition.root, "seed \(seed): \(text) became \(canonical)")
            #expect(again.description == canonical, "seed \(seed)")
        }
        #expect(tally.count == 3 && tally.values.allSatisfy { $0 > 400 }, "\(tally)")
    }

    @Test(arguments: [2, 78, 20_261_126] as [UInt64])
    func `damaged conditions are refused with a place or read without a crash`(seed: UInt64) {
        var random = RandomCondition(seed: seed)
        var refused = 0
        for _ in 0..<4_000 {
            var bytes = Array(random.condition().1.utf8)
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count + 1)
                let byte =
                    random.below(3) == 0
                    ? UInt8(random.below(256))
                    : Array("()[]\"'\\=!<>,.-0 TNandor\u{1}".utf8)[random.below(24)]
                switch random.below(4) {
                case 0: bytes.insert(byte, at: place)
                case 1 where place < bytes.count: bytes.remove(at: place)
                case 2 where place < bytes.count: bytes[place] = byte
                default: bytes.removeLast(bytes.count - place)
                }
            }
            refused += check(String(decoding: bytes, as: UTF8.self), seed) ? 0 : 1
        }
        #expect(refused > 1_000)
    }

    @Test(arguments: [3, 79] as [UInt64])
    func `random bytes never stop the parser`(seed: UInt64) {
        var random = RandomCondition(seed: seed)
        for _ in 0..<5_000 {
            let bytes = (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
            _ = check(String(decoding: bytes, as: UTF8.self), seed)
        }
    }

    /// Whether the text is a condition; either way it must not stop the program.
    private func check(_ text: String, _ seed: UInt64) -> Bool {
        do {
            let condition = try Condition(parsing: text)
            let again = try? Condition(parsing: condition.description)
            #expect(again?.root == condition.root, "seed \(seed): \(text)")
            return true
        } catch {
            let end = text.unicodeScalars.count + 1
            #expect((1...end).contains(error.character), "seed \(seed): \(text): \(error)")
            #expect(error.message.utf8.count < 400)
            return false
        }
    }
}
