import Synchronization
import Threads

/// How often values fell into each of a row of fixed ranges, and their sum.
///
/// Any thread may observe; two atomic operations and a search in the bounds, no lock, no
/// allocation. A scrape in the middle of an observation may see it in the buckets and not yet in
/// the sum; count and buckets always agree, since the count is the sum of the buckets.
public final class Histogram: Sendable {
    /// The ranges.
    public let buckets: HistogramBuckets
    let createdAtMillis = SystemClock.wallMillis()
    private let cells: [Cell]
    private let total = AtomicDouble()

    /// One range's number; a class, since atomics cannot stand in an array.
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    /// An empty histogram. Families make them; one made by hand is not rendered.
    public init(buckets: HistogramBuckets) {
        self.buckets = buckets
        cells = (0...buckets.upperBounds.count).map { _ in Cell() }
    }

    /// Counts a value. NaN, which belongs to no range, is ignored.
    public func observe(_ value: Double) {
        if value.isNaN { return }
        cells[buckets.index(of: value)].count.wrappingAdd(1, ordering: .relaxed)
        total.add(value)
    }

    /// Counts a duration in seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// Counts a duration given in nanoseconds, as seconds: for differences of
    /// `SystemClock.monotonicNanos()`.
    public func observe(nanos: Int64) {
        observe(Double(nanos) * 1e-9)
    }

    /// How many values were observed.
    public var count: UInt64 { bucketCounts.reduce(0, &+) }

    /// The sum of all observed values.
    public var sum: Double { total.value }

    /// How many values fell into each range, not cumulated; the last one is beyond all bounds.
    public var bucketCounts: [UInt64] { cells.map { $0.count.load(ordering: .relaxed) } }
}

/// The ranges of a histogram: upper bounds, each inclusive, growing; one more range, up to
/// infinity, follows by itself.
public struct HistogramBuckets: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// The bounds without the infinite one.
    public let upperBounds: [Double]

    /// Ranges with these upper bounds: finite, growing, 1 to 64 of them (each is a series per
    /// label set, so fewer are better).
    public init(_ upperBounds: [Double]) {
        precondition((1...64).contains(upperBounds.count), "a histogram has 1 to 64 bounds")
        precondition(
            upperBounds.allSatisfy(\.isFinite)
                && zip(upperBounds, upperBounds.dropFirst()).allSatisfy { $0 < $1 },
            "bounds of a histogram must be finite and grow")
        self.upperBounds = upperBounds
    }

    /// Ranges with these upper bounds, see ``init(_:)``.
    public init(arrayLiteral elements: Double...) { self.init(elements) }

    /// Ranges whose bounds grow by a factor: `start`, `start * factor`, ...
    public static func exponential(start: Double, factor: Double, count: Int) -> HistogramBuckets {
        var bounds = [start]
        while bounds.count < count { bounds.append(bounds[bounds.count - 1] * factor) }
        return HistogramBuckets(bounds)
    }

    /// Calls and commits, in seconds: 50 us to 30 s, about 2.2 times from bound to bound.
    public static let callSeconds: HistogramBuckets = [
        0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
        1, 2.5, 5, 10, 30,
    ]

    /// Workflow runs and other long work, in seconds: 10 ms to a day.
    public static let runSeconds: HistogramBuckets = [
        0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400,
    ]

    /// Sizes in bytes: 64 B to 16 MiB, four times from bound to bound.
    public static let bytes = HistogramBuckets.exponential(start: 64, factor: 4, count: 10)

    /// How many things at once, such as commands in a batch: 1 to 1024, doubling.
    public static let batchSizes = HistogramBuckets.exponential(start: 1, factor: 2, count: 11)

    /// The range a value falls into, by halving: five steps for the largest row above.
    func index(of value: Double) -> Int {
        var low = 0
        var high = upperBounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= upperBounds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
