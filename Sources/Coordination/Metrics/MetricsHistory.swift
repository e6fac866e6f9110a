/// The samples of the past: one for each second of the last 15 minutes, one for each minute of the
/// last 24 hours. Bounded; the oldest go.
public struct MetricsHistory: Sendable {
    /// How close samples are, and how many are kept.
    public static let fineNanos: Int64 = 1_000_000_000
    public static let coarseNanos: Int64 = 60_000_000_000
    static let fineCount = 15 * 60
    static let coarseCount = 24 * 60

    private var fine: SampleRing
    private var coarse: SampleRing

    /// A history that begins with the server's first sample.
    public init(first: MetricsSample) {
        fine = SampleRing(capacity: Self.fineCount, first: first)
        coarse = SampleRing(capacity: Self.coarseCount, first: first)
    }

    /// The newest sample.
    public var newest: MetricsSample { fine.newest }
    /// The oldest sample.
    public var oldest: MetricsSample {
        coarse.oldest.nanos <= fine.oldest.nanos ? coarse.oldest : fine.oldest
    }

    /// Keeps a sample; one that is not newer than the newest is dropped.
    public mutating func record(_ sample: MetricsSample) {
        guard sample.nanos > fine.newest.nanos else { return }
        fine.append(sample)
        // Half a step early, so that a timer that rings a little too soon skips no minute.
        if sample.nanos - coarse.newest.nanos >= Self.coarseNanos - Self.fineNanos / 2 {
            coarse.append(sample)
        }
    }

    /// The sample to count from, for a window that begins at `nanos`: the newest not after it, or
    /// the oldest there is.
    public func base(atNanos nanos: Int64) -> MetricsSample {
        fine.newest(notAfter: nanos) ?? coarse.newest(notAfter: nanos) ?? oldest
    }

    /// The numbers of the window that ends with `end`.
    public func window(ending end: MetricsSample, nanos: Int64) -> WindowMetrics {
        WindowMetrics(from: base(atNanos: end.nanos - nanos), to: end)
    }

    /// The numbers of each step of a stretch, oldest first. Steps in which no sample was taken are
    /// left out: the next one has what happened in them.
    ///
    /// - Parameter step: more than 0.
    public func windows(
        fromNanos start: Int64, toNanos end: Int64, step: Int64
    ) -> [WindowMetrics] {
        var windows: [WindowMetrics] = []
        let end = min(end, newest.nanos)
        var from = base(atNanos: start)
        var at = max(start, from.nanos)
        while at < end {
            at = min(at + step, end)
            let to = base(atNanos: at)
            if to.nanos > from.nanos {
                windows.append(WindowMetrics(from: from, to: to))
                from = to
            }
        }
        return windows
    }
}

/// Samples in the order of time, the oldest overwritten when there is no more room.
struct SampleRing: Sendable {
    private var samples: [MetricsSample]
    /// Where the oldest stands, once all room is taken.
    private var start = 0
    private let capacity: Int

    init(capacity: Int, first: MetricsSample) {
        self.capacity = capacity
        samples = [first]
    }

    var count: Int { samples.count }
    var oldest: MetricsSample { samples[start] }
    var newest: MetricsSample { self[count - 1] }

    /// By age: 0 is the oldest.
    private subscript(place: Int) -> MetricsSample {
        samples[(start + place) % samples.count]
    }

    mutating func append(_ sample: MetricsSample) {
        if samples.count < capacity { return samples.append(sample) }
        samples[start] = sample
        start = (start + 1) % capacity
    }

    /// The newest sample not after an instant, by halving; `nil`: all are.
    func newest(notAfter nanos: Int64) -> MetricsSample? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].nanos <= nanos { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? self[low - 1] : nil
    }
}
