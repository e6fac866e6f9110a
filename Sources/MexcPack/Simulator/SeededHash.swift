/// Numbers that look random and depend on nothing but a seed and a place.
///
/// A generator would have to be run from its start; this answers for any place at once, so the
/// simulated exchange needs no memory: the same seed gives the same market at the same instant.
struct SeededHash: Sendable, Hashable {
    let seed: UInt64

    /// 64 bits for a place. The mixing is SplitMix64's finaliser (Steele, Lea and Flood 2014).
    func bits(_ place: UInt64, _ aspect: UInt64 = 0) -> UInt64 {
        SeededHash.mix(SeededHash.mix(seed &+ place &* 0x9E37_79B9_7F4A_7C15) &+ aspect)
    }

    /// A number in 0..<1.
    func unit(_ place: UInt64, _ aspect: UInt64 = 0) -> Double {
        Double(bits(place, aspect) >> 11) * 0x1p-53
    }

    /// A number in 0..<count.
    func index(_ place: UInt64, _ aspect: UInt64, below count: Int) -> Int {
        Int(bits(place, aspect) % UInt64(count))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
