/// xorshift64*, so that a seed repeats the kill times.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Begins the series of a seed.
    package init(seed: UInt64) { state = seed == 0 ? 1 : seed }

    package mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 2_685_821_657_736_338_717
    }
}
