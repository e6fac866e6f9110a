import Testing

@testable import Cache

/// The machines that the cache is made of, each by itself.
@Suite struct PartsTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the index finds what a dictionary finds`(seed: UInt64) {
        var lots = Lots(seed: seed)
        var index = SlotIndex()
        var model: [UInt64: Int] = [:]
        for round in 0..<20_000 {
            // Few low bits: most keys meet others.
            let hash = lots.next() % 40 + (lots.next() % 8) << 40
            if let slot = model[hash] {
                #expect(index.find(hash) { $0 == slot } == slot, "seed \(seed)")
                if lots.next() % 2 == 0 {
                    index.remove(hash, slot)
                    model[hash] = nil
                } else {
                    index.replace(hash, slot, by: round + 1_000_000)
                    model[hash] = round + 1_000_000
                }
            } else {
                #expect(index.find(hash) { _ in true } == nil, "seed \(seed)")
                index.insert(hash, round)
                model[hash] = round
            }
        }
        #expect(index.count == model.count)
        for (hash, slot) in model { #expect(index.find(hash) { _ in true } == slot) }
    }

    @Test(arguments: [0.005, 0.4, 0.95], [7, 8] as [UInt64])
    func `queues hold no more than they may, whatever comes`(share: Double, seed: UInt64) {
        var lots = Lots(seed: seed)
        let sketch = FrequencySketch(expectedEntries: 100, minWords: 64)
        var queues = SegmentedQueues(capacity: 10_000, windowShare: share)
        var weights: [Int: Int] = [:]
        for _ in 0..<20_000 {
            let any = weights.keys.randomElement(using: &lots)
            switch lots.next() % 10 {
            case 0..<5:
                let weight = Int(lots.next() % 900) + 1
                weights[queues.insert(hash: lots.next(), weight: weight)] = weight
            case 5..<8: if let any { queues.touch(any) }
            case 8:
                if let any {
                    let weight = Int(lots.next() % 900) + 1
                    queues.reweigh(any, weight)
                    weights[any] = weight
                }
            default:
                if lots.next() % 20 == 0 { queues.aim(atWindow: lots.uniform()) }
                if let any {
                    queues.remove(any)
                    weights[any] = nil
                }
            }
            while let victim = queues.victim(sketch) {
                queues.remove(victim)
                #expect(weights.removeValue(forKey: victim) != nil, "seed \(seed)")
            }
            #expect(queues.weight <= 10_000, "seed \(seed)")
        }
        #expect(queues.count == weights.count, "seed \(seed)")
        #expect(queues.weight == weights.values.reduce(0, +), "seed \(seed)")
        #expect(queues.windowMax == queues.windowTarget || queues.count > 0)
    }

    @Test func `a sketch counts to fifteen, forgets by halves and keeps its counts when it grows`()
    {
        var sketch = FrequencySketch(expectedEntries: 1_000, minWords: 8)
        for _ in 0..<40 { sketch.increment(0xABCD_EF01_2345_6789) }
        for _ in 0..<5 { sketch.increment(0x1234_5678_9ABC_DEF0) }
        #expect(sketch.frequency(of: 0xABCD_EF01_2345_6789) == 15)
        #expect(sketch.frequency(of: 0x1234_5678_9ABC_DEF0) == 5)
        #expect(sketch.frequency(of: 0x0F1E_2D3C_4B5A_6978) == 0)
        sketch.fit(expectedEntries: 10_000)
        #expect(sketch.frequency(of: 0x1234_5678_9ABC_DEF0) == 5)

        var small = FrequencySketch(expectedEntries: 16, minWords: 64)
        var lots = Lots(seed: 5)
        for _ in 0..<8 { small.increment(42) }
        for _ in 0..<190 { small.increment(lots.next()) }
        #expect((3...5).contains(small.frequency(of: 42)))
    }

    /// What CPython says, whose `hash` of bytes is this function, under `PYTHONHASHSEED=0`.
    @Test(arguments: [
        (8, UInt64(0xEAD4_11E6_7EBE_2EEA)), (9, 0x7592_7F9D_9512_4362),
        (23, 0x3733_2B13_89DA_A4FF), (64, 0x75E0_5FD5_BBC8_70C6),
    ])
    func `the hash of keys is SipHash-1-3 of their bytes, under a key`(count: Int, hash: UInt64) {
        let text = String(decoding: (8..<UInt8(max(count, 8))).map { $0 }, as: UTF8.self)
        let number: UInt64 = 0x0706_0504_0302_0100
        #expect(KeyedHash(0, 0)(number, text) == hash)
        #expect(KeyedHash(0, 1)(number, text) != hash)
        #expect(KeyedHash.ofProcess(1, text) == KeyedHash.ofProcess(1, text + ""))
        #expect(KeyedHash.ofProcess(1, text) != KeyedHash.ofProcess(2, text))
        #expect(KeyedHash.ofProcess(1, "\u{e9}") != KeyedHash.ofProcess(1, "e\u{301}"))
    }

    @Test(.timeLimit(.minutes(1))) func `many tags that look alike do not meet`() {
        let tags = (0..<20_000).map { number in
            let letters = (0..<15).map { number >> $0 & 1 == 0 ? "\u{e9}" : "e\u{301}" }
            return CacheTag(space: 1, text: letters.joined())
        }
        #expect(Set(tags).count == tags.count)
        #expect(Set(tags.map(\.hashValue)).count > tags.count - 10)
    }

    @Test func `chance is exponential where it should be`() {
        var lots = Lots(seed: 9)
        let draws = (0..<100_000).map { _ in lots.exponential() }
        let mean = draws.reduce(0, +) / 100_000
        let over2 = Double(draws.count { $0 > 2 }) / 100_000
        #expect(abs(mean - 1) < 0.02)
        #expect(abs(over2 - 0.1353) < 0.01)
    }

    @Test
    func `readers are told apart, forgotten, and pushed out only by others of the key's place`() {
        var sketch = ReaderSketch(periodNanos: 100, readers: 8, keys: 512)
        let agents = (0..<20).map { CacheReader("agent-\($0)") }
        for _ in 0..<5 { #expect(sketch.note(1 << 50, by: agents[0], now: 10) == 1) }
        #expect(sketch.note(1 << 50, by: agents[1], now: 20) == 2)
        #expect(sketch.note(1 << 50, by: agents[2], now: 120) == 3)
        // The first two were seen two periods ago.
        #expect(sketch.note(1 << 50, by: agents[2], now: 250) == 1)
        for agent in agents { _ = sketch.note(2 << 50, by: agent, now: 300) }
        #expect(sketch.count(2 << 50, now: 300) == ReaderSketch.maxReaders)
        #expect(sketch.count(3 << 50, now: 300) == 0)
        // Clocks differ a little: who is behind at the turn of a period makes nobody forgotten.
        #expect(sketch.note(2 << 50, by: agents[3], now: 299) == ReaderSketch.maxReaders)
    }

    @Test func `who reads is known of as many keys as there shall be, and no cell is made before`()
    {
        var sketch = ReaderSketch(periodNanos: 100, readers: 3, keys: 4_096)
        var lots = Lots(seed: 7)
        let keys = (0..<1_000).map { _ in lots.next() }
        #expect(sketch.cellCount == 512)
        for (number, agent) in ["a", "b", "c"].enumerated() {
            for key in keys { _ = sketch.note(key, by: CacheReader(agent), now: Int64(number)) }
        }
        #expect(keys.count { sketch.count($0, now: 3) == 3 } > 990)
        #expect(sketch.cellCount == 4_096)
        // Whatever is read, it stays that large, and keys that many read are the last to go.
        for _ in 0..<50_000 { _ = sketch.note(lots.next(), by: CacheReader("d"), now: 4) }
        #expect(sketch.cellCount == 4_096)
        #expect(keys.count { sketch.count($0, now: 5) == 3 } > 990)
        // What is read no more makes room.
        for key in keys { _ = sketch.note(~key, by: CacheReader("e"), now: 300) }
        #expect(keys.count { sketch.count(~$0, now: 301) == 1 } > 990)
    }

    @Test func `a window is taken when it hits clearly more, and not by chance`() {
        var chooser = WindowChooser()
        let shares = WindowChooser.shares
        chooser.add(hits: [300, 305, 290, 280], requests: 1_000, ghostEntries: 500)
        #expect(chooser.share == shares[0])
        chooser.add(hits: [300, 310, 420, 280], requests: 1_000, ghostEntries: 500)
        #expect(chooser.share == shares[2])
        for _ in 0..<3 {
            chooser.add(hits: [500, 310, 320, 280], requests: 1_000, ghostEntries: 500)
        }
        #expect(chooser.share == shares[0])
    }
}

extension Lots: RandomNumberGenerator {}
