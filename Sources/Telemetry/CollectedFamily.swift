import Threads

/// One number of a metric that is read when it is scraped.
public struct CollectedSample: Sendable, Hashable {
    /// The label values, in the order of the family's labels.
    public let labels: [String]
    /// The number.
    public let value: Double

    /// A sample; no labels for a family without labels.
    public init(labels: [String] = [], value: Double) {
        self.labels = labels
        self.value = value
    }
}

/// A family whose numbers stand somewhere else and are read at each scrape.
///
/// Past the limit, the label sets that came last share one series whose labels say `other`: the sum
/// of theirs. A set keeps its own series for as long as it is there.
struct CollectedFamily: RenderedFamily {
    let description: MetricDescription
    let seriesLimit: Int
    let onRefusal: @Sendable (Int) -> Void
    let read: @Sendable () -> [CollectedSample]
    /// The label sets with a series of their own at the last scrape.
    private let known = Locked<Set<[String]>>([])

    init(
        description: MetricDescription, seriesLimit: Int,
        onRefusal: @escaping @Sendable (Int) -> Void,
        read: @escaping @Sendable () -> [CollectedSample]
    ) {
        self.description = description
        self.seriesLimit = seriesLimit
        self.onRefusal = onRefusal
        self.read = read
    }

    func render(into writer: inout ExpositionWriter) {
        var values: [[String]: Double] = [:]
        for sample in read() where sample.labels.count == description.labels.count {
            values[sample.labels] = sample.value
        }
        if values.isEmpty { return }
        writer.beginFamily(description)
        let sorted = bounded(values).sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (labels, value) in sorted {
            writer.beginSeries(values: labels)
            writer.sample(description.kind == .counter ? "_total" : "", value)
        }
    }

    /// The series of their own and, where there are too many, that of the others.
    private func bounded(_ values: [[String]: Double]) -> [[String]: Double] {
        let own = ownSeries(of: values)
        if own.count == values.count { return values }
        onRefusal(values.count - own.count)
        var bounded = values.filter { own.contains($0.key) }
        let others = description.labels.map { _ in "other" }
        for (labels, value) in values where !own.contains(labels) {
            bounded[others, default: 0] += value
        }
        return bounded
    }

    /// Those that had one before and are still there, then others as far as there is room.
    private func ownSeries(of values: [[String]: Double]) -> Set<[String]> {
        known.withLock { known in
            known.formIntersection(values.keys)
            let new = values.keys.filter { !known.contains($0) }
                .sorted { $0.lexicographicallyPrecedes($1) }
            known.formUnion(new.prefix(seriesLimit - known.count))
            return known
        }
    }
}

/// Facts that do not change, as labels of a series that is always 1.
struct InfoFamily: RenderedFamily {
    let description: MetricDescription
    let values: [String]

    func render(into writer: inout ExpositionWriter) {
        writer.beginFamily(description)
        writer.beginSeries(values: values)
        writer.sample("_info", count: 1)
    }
}
