import Threads

/// All metrics of a process: families by name, rendered for scrapers.
///
/// Any thread may call it. Asking for a family again returns the same one, so that two parts of
/// a program can share it; asking for the same name with another kind, unit or labels is a
/// programming error and stops the program, as does a name that no scraper would accept.
///
/// Names are given in full (`cadre_store_commit_seconds`). What is missing is added: the unit at
/// the end, and a counter's `_total`.
public final class MetricsRegistry: Sendable {
    private let families = Locked<[String: any RenderedFamily]>([:])
    private let seriesLimit: Int
    private let writesCreationTimes: Bool
    private let refusedLabelSets: MetricFamily<Counter>

    /// A registry that knows only its own counter of refused label sets.
    ///
    /// - Parameters:
    ///   - seriesLimit: how many label sets one family may have before further ones are counted
    ///     as `other`; 1,000 unless set (a scrape of a page this size stays under a second).
    ///   - writesCreationTimes: whether OpenMetrics gets `_created` samples. Off unless set: most
    ///     scrapers store them as one more series each.
    public init(seriesLimit: Int = 1_000, writesCreationTimes: Bool = false) {
        precondition(seriesLimit > 0, "a family needs room for one series")
        self.seriesLimit = seriesLimit
        self.writesCreationTimes = writesCreationTimes
        let description = MetricDescription(
            kind: .counter, name: "cadre_metrics_label_sets_refused",
            help: "Look-ups of label sets beyond a metric's bound, counted as other.",
            unit: .none, labels: ["metric"])
        // Its label is the name of a family, so it needs no bound of its own.
        let refused = MetricFamily(
            description, seriesLimit: .max, onRefusal: { _ in }, make: { Counter() })
        refusedLabelSets = refused
        families.withLock { $0[description.name] = refused }
    }

    /// Counters of whole numbers.
    public func counter(
        name: String, help: String, unit: MetricUnit = .none, labels: [String] = []
    ) -> MetricFamily<Counter> {
        family(.counter, name, help, unit, labels) { Counter() }
    }

    /// Counters of sums that need not be whole, such as seconds.
    public func doubleCounter(
        name: String, help: String, unit: MetricUnit = .none, labels: [String] = []
    ) -> MetricFamily<DoubleCounter> {
        family(.counter, name, help, unit, labels) { DoubleCounter() }
    }

    /// Gauges.
    public func gauge(
        name: String, help: String, unit: MetricUnit = .none, labels: [String] = []
    ) -> MetricFamily<Gauge> {
        family(.gauge, name, help, unit, labels) { Gauge() }
    }

    /// Histograms; all series of a family have the same buckets, those of the first request.
    public func histogram(
        name: String, help: String, unit: MetricUnit = .none, labels: [String] = [],
        buckets: HistogramBuckets = .callSeconds
    ) -> MetricFamily<Histogram> {
        family(.histogram, name, help, unit, labels) { Histogram(buckets: buckets) }
    }

    /// A gauge whose numbers are read at each scrape, on the scraper's thread: `read` must be
    /// quick and must not call this registry. Registering again replaces the source.
    public func collectedGauge(
        name: String, help: String, unit: MetricUnit = .none, labels: [String],
        read: @escaping @Sendable () -> [CollectedSample]
    ) {
        collected(.gauge, name, help, unit, labels, read)
    }

    /// A gauge of one number that is read at each scrape, see above.
    public func collectedGauge(
        name: String, help: String, unit: MetricUnit = .none,
        read: @escaping @Sendable () -> Double
    ) {
        collected(.gauge, name, help, unit, []) { [CollectedSample(value: read())] }
    }

    /// A counter that someone else counts, read at each scrape like a collected gauge; it must
    /// only grow.
    public func collectedCounter(
        name: String, help: String, unit: MetricUnit = .none, labels: [String] = [],
        read: @escaping @Sendable () -> [CollectedSample]
    ) {
        collected(.counter, name, help, unit, labels, read)
    }

    /// Facts such as the version, as labels of a series that is always 1. The name ends in
    /// `_info`; asking again replaces the facts.
    public func info(name: String, help: String, facts: [(label: String, value: String)]) {
        let description = MetricDescription(
            kind: .info, name: name, help: help, unit: .none, labels: facts.map(\.label))
        check(description)
        families.withLock {
            $0[description.name] = InfoFamily(
                description: description, values: facts.map(\.value))
        }
    }

    /// All families with at least one series, sorted by name, as text.
    public func render(_ format: MetricsFormat) -> [UInt8] {
        var writer = ExpositionWriter(format: format, writesCreationTimes: writesCreationTimes)
        let sorted = families.withLock { $0 }.sorted { $0.key < $1.key }
        for (_, family) in sorted { family.render(into: &writer) }
        return writer.finish()
    }

    // MARK: Families

    private func family<Instrument: MetricInstrument>(
        _ kind: MetricKind, _ name: String, _ help: String, _ unit: MetricUnit, _ labels: [String],
        make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument> {
        let description = MetricDescription(
            kind: kind, name: name, help: help, unit: unit, labels: labels)
        check(description)
        guard let family = existingOrNew(description, make: make) else {
            preconditionFailure("metric \(description.name) exists with another kind or labels")
        }
        return family
    }

    private func check(_ description: MetricDescription) {
        if let problem = description.problem { preconditionFailure(problem) }
    }

    /// The family of that name if it is the same one, a new one if there is none, else `nil`.
    func existingOrNew<Instrument: MetricInstrument>(
        _ description: MetricDescription, make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument>? {
        let onRefusal = countRefusals(of: description)
        let seriesLimit = self.seriesLimit
        return families.withLock { families in
            if let known = families[description.name] {
                guard known.description.isSameFamily(as: description) else { return nil }
                return known as? MetricFamily<Instrument>
            }
            let made = MetricFamily(
                description, seriesLimit: seriesLimit, onRefusal: onRefusal, make: make)
            families[description.name] = made
            return made
        }
    }

    private func collected(
        _ kind: MetricKind, _ name: String, _ help: String, _ unit: MetricUnit, _ labels: [String],
        _ read: @escaping @Sendable () -> [CollectedSample]
    ) {
        let description = MetricDescription(
            kind: kind, name: name, help: help, unit: unit, labels: labels)
        check(description)
        let family = CollectedFamily(
            description: description, seriesLimit: seriesLimit,
            onRefusal: countRefusals(of: description), read: read)
        families.withLock { families in
            let known = families[description.name]?.description
            precondition(
                known?.isSameFamily(as: description) ?? true,
                "metric \(description.name) exists with another kind or labels")
            families[description.name] = family
        }
    }

    /// The series appears with the first refusal, so that pages are not twice as long.
    private func countRefusals(of description: MetricDescription) -> @Sendable (Int) -> Void {
        { [refusedLabelSets] count in
            refusedLabelSets.with(description.name).add(UInt64(count))
        }
    }
}
