import Threads

/// All series of one metric: one instrument for each set of label values.
///
/// `with` looks the instrument up under a lock (some 100 ns); keep what it returns where the
/// values are known beforehand. The number of series is bounded, since each costs memory here
/// and in every scraper and label values may come from clients: beyond the bound all further
/// sets share one series whose labels say `other`, and
/// `cadre_metrics_label_sets_refused_total{metric}` counts such look-ups.
public final class MetricFamily<Instrument: MetricInstrument>: Sendable {
    /// A series with its labels as they are written.
    private struct Series: Sendable {
        let labelText: [UInt8]
        let instrument: Instrument
    }

    private struct State: Sendable {
        var known: [[String]: Instrument] = [:]
        /// Grows with each series that comes or goes.
        var version: UInt64 = 0
        /// In the order of the page; `nil`: a series came or went since it was made.
        var ordered: [Series]?

        mutating func changed() {
            version += 1
            ordered = nil
        }
    }

    let description: MetricDescription
    private let seriesLimit: Int
    private let onRefusal: @Sendable (Int) -> Void
    private let make: @Sendable () -> Instrument
    private let state = Locked(State())

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
        return state.withLock { state in
            if let known = state.known[values] { return known }
            if state.known.count < seriesLimit || values.isEmpty {
                return add(values, to: &state)
            }
            onRefusal(1)
            let others = description.labels.map { _ in "other" }
            return state.known[others] ?? add(others, to: &state)
        }
    }

    /// Forgets a series, when what it measured is gone. A handle still kept works on, unseen.
    public func remove(_ values: String...) {
        state.withLock { state in
            if state.known.removeValue(forKey: values) != nil { state.changed() }
        }
    }

    private func add(_ values: [String], to state: inout State) -> Instrument {
        let made = make()
        state.known[values] = made
        state.changed()
        return made
    }

    /// Every series in the order of the page. Put in order outside the lock, and kept until a series
    /// comes or goes.
    private var orderedSeries: [Series] {
        let seen = state.withLock { $0 }
        if let ordered = seen.ordered { return ordered }
        let labels = description.labels
        let made = seen.known.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
            Series(
                labelText: ExpositionWriter.labelText(labels, $0.key), instrument: $0.value)
        }
        state.withLock { state in
            if state.version == seen.version { state.ordered = made }
        }
        return made
    }
}

extension MetricFamily: RenderedFamily {
    func render(into writer: inout ExpositionWriter) {
        let series = orderedSeries
        if series.isEmpty { return }
        writer.beginFamily(description)
        for one in series {
            writer.beginSeries(one.labelText)
            one.instrument.render(into: &writer)
        }
    }
}

/// What a family can be made of: ``Counter``, ``DoubleCounter``, ``Gauge`` or ``Histogram``. Not
/// meant for types outside this room, which could not draw themselves.
public protocol MetricInstrument: AnyObject, Sendable {
    /// Appends this instrument's samples to the series that was begun.
    func render(into writer: inout ExpositionWriter)
}

/// A family as the registry keeps it.
protocol RenderedFamily: Sendable {
    var description: MetricDescription { get }
    func render(into writer: inout ExpositionWriter)
}

extension Counter: MetricInstrument {
    /// Appends the total.
    public func render(into writer: inout ExpositionWriter) {
        writer.sample("_total", count: value)
        writer.created(atMillis: createdAtMillis)
    }
}

extension DoubleCounter: MetricInstrument {
    /// Appends the sum.
    public func render(into writer: inout ExpositionWriter) {
        writer.sample("_total", value)
        writer.created(atMillis: createdAtMillis)
    }
}

extension Gauge: MetricInstrument {
    /// Appends the number.
    public func render(into writer: inout ExpositionWriter) {
        writer.sample("", value)
    }
}

extension Histogram: MetricInstrument {
    /// Appends the cumulated buckets, the sum and the count.
    public func render(into writer: inout ExpositionWriter) {
        let sum = self.sum
        let count = writer.buckets(buckets.upperBounds, bucketCounts)
        writer.sample("_sum", sum)
        writer.sample("_count", count: count)
        writer.created(atMillis: createdAtMillis)
    }
}
