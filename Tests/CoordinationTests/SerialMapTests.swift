import Coordination
import Testing

struct SerialMapTests {
    @Test func `what was put is found, what was taken is not`() {
        var map = SerialMap(vacant: -1)
        map.insert(7, for: 1)
        map.insert(8, for: 65)
        #expect(map[1] == 7 && map[65] == 8 && map[129] == nil && map[0] == nil)
        #expect(map.remove(1) == 7 && map.remove(1) == nil)
        #expect(map[65] == 8 && map.count == 1)
    }

    @Test(arguments: [1, 42, 20_251_122] as [UInt64])
    func `it does what a dictionary does`(seed: UInt64) {
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var map = SerialMap(vacant: -1)
        var oracle: [UInt64: Int] = [:]
        for step in 0..<20_000 {
            // Multiples of a power of two collide on purpose.
            let key = (next(200) + 1) * (next(2) == 0 ? 1 : 64)
            if next(3) == 0 {
                #expect(map.remove(key) == oracle.removeValue(forKey: key))
            } else {
                map.insert(step, for: key)
                oracle[key] = step
            }
            #expect(map[key] == oracle[key] && map.count == oracle.count)
        }
        let entries = Dictionary(uniqueKeysWithValues: map.entries.map { ($0.key, $0.value) })
        #expect(entries == oracle)
    }
}
