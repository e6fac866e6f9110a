import Threads

/// All series of one metric: one instrument for each set of label values.
///
/// `with` looks the instrument up under a lock (some 100 ns); keep what it returns where the
/// values are known beforehand. The number of series is bounded, since each costs memory here
/// and in every scraper and label values may come from clients: beyond the bound all further
/// sets share one series whose labels say `other`, and
/// `cadre_metrics_label_sets_refused_total{metric}` counts such look-ups.
public final class MetricFamily<Instrument: MetricInstrument>: Sendable {
    let description: MetricDescription
    private let seriesLimit: Int
    private let onRefusal: @Sendable (Int) -> Void
    private let make: @Sendable () -> Instrument
    private let series = Locked<[[String]: Instrument]>([:])

    init(
        _ description: MetricDescription, seriesLimit: Int,
        onRefusal: @escaping @Sendable (Int) -> Void,
        make: @escaping @Sendable () -> Instrument
    ) {
        self.description = description
        self.seriesLimit = seriesLimit
        self.onRefusal = onRefusal
        self.make = make
    }

    /// The instrument for these label values, in the order of the family's labels; made at first
    /// use. No values for a family without labels.
    public func with(_ values: String...) -> Instrument { with(values: values) }

    /// The same with the values in an array.
    public func with(values: [String]) -> Instrument {
        precondition(
            values.count == description.labels.count,
            "metric \(description.name) has labels \(description.labels), not \(values.count)")
        return series.withLock { series in
            if let known = series[values] { return known }
            if series.count < seriesLimit || values.isEmpty {
                let made = make()
                series[values] = made
                return made
            }
            onRefusal(1)
            return overflow(in: &series)
        }
    }

    /// Forgets a series, when what it measured is gone. A handle still kept works on, unseen.
    public func remove(_ values: String...) {
        series.withLock { _ = $0.removeValue(forKey: values) }
    }

    private func overflow(in series: inout [[String]: Instrument]) -> Instrument {
        let values = description.labels.map { _ in "other" }
        if let known = series[values] { return known }
        let made = make()
        series[values] = made
        return made
    }
}

extension MetricFamily: RenderedFamily {
    func render(into writer: inout ExpositionWriter) {
        let series = self.series.withLock { $0 }.sorted {
            $0.key.lexicographicallyPrecedes($1.key)
        }
        if series.isEmpty { return }
        writer.beginFamily(description)
        for (values, instrument) in series { instrument.render(values, into: &writer) }
    }
}

/// What a family can be made of: ``Counter``, ``DoubleCounter``, ``Gauge`` or ``Histogram``. Not
/// meant for types outside this room, which could not draw themselves.
public protocol MetricInstrument: AnyObject, Sendable {
    /// Appends this instrument's samples.
    func render(_ labelValues: [String], into writer: inout ExpositionWriter)
}

/// A family as the registry keeps it.
protocol RenderedFamily: Sendable {
    var description: MetricDescription { get }
    func render(into writer: inout ExpositionWriter)
}

extension Counter: MetricInstrument {
    /// Appends the total.
    public func render(_ labelValues: [String], into writer: inout ExpositionWriter) {
        writer.sample("_total", labelValues, text: String(value))
        writer.created(labelValues, atMillis: createdAtMillis)
    }
}

extension DoubleCounter: MetricInstrument {
    /// Appends the sum.
    public func render(_ labelValues: [String], into writer: inout ExpositionWriter) {
        writer.sample("_total", labelValues, value)
        writer.created(labelValues, atMillis: createdAtMillis)
    }
}

extension Gauge: MetricInstrument {
    /// Appends the number.
    public func render(_ labelValues: [String], into writer: inout ExpositionWriter) {
        writer.sample("", labelValues, value)
    }
}

extension Histogram: MetricInstrument {
    /// Appends the cumulated buckets, the sum and the count.
    public func render(_ labelValues: [String], into writer: inout ExpositionWriter) {
        let sum = self.sum
        var running: UInt64 = 0
        for (bound, count) in zip(buckets.upperBounds + [.infinity], bucketCounts) {
            running &+= count
            writer.bucket(labelValues, upperBound: bound, count: running)
        }
        writer.sample("_sum", labelValues, sum)
        writer.sample("_count", labelValues, text: String(running))
        writer.created(labelValues, atMillis: createdAtMillis)
    }
}
