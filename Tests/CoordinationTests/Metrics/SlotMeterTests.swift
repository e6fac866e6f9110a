import Testing

@testable import Coordination

struct SlotMeterTests {
    @Test func `slot time is the sum over every slot, whatever the order`() {
        var random = SplitMix(seed: 99)
        var meter = SlotMeter()
        var now: Int64 = 1_000
        var taken: Int64 = 0
        var slots: Int64 = 0
        var takenSum: Int128 = 0
        var slotSum: Int128 = 0
        for _ in 0..<2_000 {
            let wait = Int64(random.next() % 1_000_000)
            takenSum += Int128(taken) * Int128(wait)
            slotSum += Int128(slots) * Int128(wait)
            now += wait
            switch random.next() % 4 {
            case 0:
                meter.slotsCame(3, atNanos: now)
                slots += 3
            case 1 where slots >= 3:
                meter.slotsCame(-3, atNanos: now)
                slots -= 3
            case 2:
                meter.slotTaken(atNanos: now)
                taken += 1
            default:
                guard taken > 0 else { continue }
                meter.slotFreed(atNanos: now)
                taken -= 1
            }
            #expect(meter.takenNanos(atNanos: now) == takenSum)
            #expect(meter.slotNanos(atNanos: now) == slotSum)
        }
        #expect(meter.taken == taken && meter.slots == slots)
    }

    @Test func `a hundred thousand slots in a year fit`() {
        var meter = SlotMeter()
        meter.slotsCame(100_000, atNanos: 0)
        let year: Int64 = 31_536_000_000_000_000
        #expect(meter.slotNanos(atNanos: year) == Int128(year) * 100_000)
    }
}
