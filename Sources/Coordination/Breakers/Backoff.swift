/// A wait that grows with each repetition, is capped, and has a share taken off by chance so that
/// what failed together does not come back together.
public struct Backoff: Sendable, Hashable {
    /// The first wait, milliseconds.
    public var initialMillis: Int64
    /// What each further wait is multiplied by, at least 1.
    public var factor: Double
    /// The longest wait, milliseconds.
    public var maxMillis: Int64
    /// The share that chance may take off, 0 to 1.
    public var jitter: Double

    /// Combines the parts.
    public init(initialMillis: Int64, factor: Double, maxMillis: Int64, jitter: Double) {
        self.initialMillis = initialMillis
        self.factor = factor
        self.maxMillis = maxMillis
        self.jitter = jitter
    }

    /// The wait of the `times`-th repetition, at least 1 ms; `times` counts from 1.
    public func delayMillis(times: Int, random: UInt64) -> Int64 {
        var delay = Double(initialMillis)
        for _ in 1..<max(1, min(times, 1_000)) {
            delay *= factor
            if delay >= Double(maxMillis) { break }
        }
        let share = Double(random >> 11) / 9_007_199_254_740_992  // 2^53: uniform in 0..<1
        return max(1, Int64(min(delay, Double(maxMillis)) * (1 - jitter * share)))
    }
}
