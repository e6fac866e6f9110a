extension RetryPolicy {
    /// The wait after the `failures`-th failure, milliseconds: exponential, capped, then up to a
    /// fifth taken off at random so that runs that failed together do not return together.
    public func delayMillis(afterFailures failures: Int, random: UInt64) -> Int64 {
        var delay = Double(initialMillis)
        for _ in 1..<max(1, min(failures, 1_000)) {
            delay *= factor
            if delay >= Double(maxMillis) { break }
        }
        let capped = min(delay, Double(maxMillis))
        let share = Double(random >> 11) / 9_007_199_254_740_992  // 2^53: uniform in 0..<1
        return Int64(capped * (1 - 0.2 * share))
    }

    /// Whether a failure of this kind may be tried again at all.
    public func mayRetry(_ failure: StepFailure) -> Bool {
        failure.retryable && !nonRetryableTypes.contains(failure.type)
    }
}
