import Testing

@testable import Coordination

@Suite struct OrderedKeysTests {
    @Test(arguments: [1, 7, 2_000])
    func `any order of insertions and removals leaves the keys in order`(_ variety: Int) {
        var random = Draw(seed: UInt64(variety))
        var keys = OrderedKeys()
        var model: Set<String> = []
        for _ in 0..<6_000 {
            let text = "k\(Int.random(in: 0...variety, using: &random))"
            if Int.random(in: 0..<10, using: &random) < 6 {
                if model.insert(text).inserted { keys.insert(MemoryKey(text)) }
            } else if model.remove(text) != nil {
                keys.remove(MemoryKey(text))
            } else {
                // One that is missing is no obstacle.
                keys.remove(MemoryKey(text))
            }
        }
        let sorted = model.map { MemoryKey($0) }.sorted()
        #expect(all(keys, from: MemoryKey("")) == sorted)
        for start in ["k", "k1", "k15", "k999", "l", ""] {
            let from = MemoryKey(start)
            #expect(all(keys, from: from) == sorted.filter { !($0 < from) })
        }
    }

    @Test func `whoever has enough gets no more`() {
        var keys = OrderedKeys()
        for text in ["b", "a", "c"] { keys.insert(MemoryKey(text)) }
        var seen: [String] = []
        keys.forEach(from: MemoryKey("a")) {
            seen.append($0.text)
            return seen.count < 2
        }
        #expect(seen == ["a", "b"])
    }

    private func all(_ keys: OrderedKeys, from start: MemoryKey) -> [MemoryKey] {
        var found: [MemoryKey] = []
        keys.forEach(from: start) {
            found.append($0)
            return true
        }
        return found
    }
}
