import Testing

@testable import Coordination

struct DurationTallyTests {
    @Test func `of nothing there is no number`() {
        let tally = DurationTally()
        #expect(tally.count == 0 && tally.meanNanos == nil && tally.meanSeconds == nil)
        #expect(tally.percentileMicros(0.5) == nil)
    }

    @Test func `the mean is exact, percentiles are at most an eighth away`() {
        var random = SplitMix(seed: 20_251_125)
        var tally = DurationTally()
        var values: [Int64] = []
        for _ in 0..<5_000 {
            // From 1 us to 12 days, as many of each length of number.
            let micros = Int64(1) << Int64(random.next() % 40)
            let nanos = (micros + Int64(random.next() % UInt64(micros))) * 1_000
            tally.add(nanos: nanos)
            values.append(nanos)
        }
        values.sort()
        #expect(tally.count == 5_000)
        #expect(tally.sumNanos == values.reduce(0, +))
        for share in [0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1] {
            let exact = Double(values[max(0, Int((share * 5_000).rounded(.up)) - 1)]) / 1_000
            let found = Double(tally.percentileMicros(share) ?? 0)
            #expect(abs(found - exact) <= exact / 8 + 1, "\(share): \(found) for \(exact)")
        }
    }

    @Test func `ranges follow each other without a gap`() {
        var last = -1
        for micros in Int64(1)...5_000 {
            let range = DurationTally.range(ofNanos: micros * 1_000)
            #expect(range == last || range > last)
            last = range
        }
        #expect(DurationTally.range(ofNanos: 0) == 0)
        #expect(DurationTally.range(ofNanos: .max) == 160)
    }

    @Test func `what came between two looks is their difference`() {
        var random = SplitMix(seed: 7)
        var tally = DurationTally()
        for _ in 0..<500 { tally.add(nanos: Int64(random.next() % 1_000_000)) }
        let earlier = tally
        var alone = DurationTally()
        for _ in 0..<500 {
            let nanos = Int64(random.next() % 90_000_000_000)
            tally.add(nanos: nanos)
            alone.add(nanos: nanos)
        }
        let difference = tally.since(earlier)
        #expect(difference.count == 500 && difference.sumNanos == alone.sumNanos)
        for share in [0.1, 0.5, 0.99] {
            #expect(difference.percentileMicros(share) == alone.percentileMicros(share))
        }
    }

    @Test func `negative times count as none, endless ones as the longest`() {
        var tally = DurationTally()
        tally.add(nanos: -5)
        #expect(tally.sumNanos == 0 && tally.percentileMicros(1) == 1)
        tally.add(nanos: .max)
        #expect((tally.percentileMicros(1) ?? 0) >= 1 << 40)
    }
}

/// A small generator whose seed stands in the test.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mix(state)
    }
}
