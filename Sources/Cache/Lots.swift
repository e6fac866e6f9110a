/// Chance, from a seed (SplitMix64). A value; not safe to share.
struct Lots {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1, all alike.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Exponentially distributed with mean 1, by von Neumann's comparison of uniform numbers: no
    /// logarithm is needed.
    mutating func exponential() -> Double {
        var whole = 0.0
        while true {
            let first = uniform()
            var last = first
            var length = 1
            var next = uniform()
            while next < last {
                last = next
                length += 1
                next = uniform()
            }
            if length % 2 == 1 { return whole + first }
            whole += 1
        }
    }
}
