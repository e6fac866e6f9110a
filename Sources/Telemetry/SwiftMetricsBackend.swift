import CoreMetrics

/// Lets packages that report through swift-metrics report into a ``MetricsRegistry``.
///
///     MetricsSystem.bootstrap(SwiftMetricsBackend(registry: registry))
///
/// Counters become counters, timers histograms of seconds, aggregating recorders histograms,
/// other recorders and meters gauges. Names and dimensions are brought into Prometheus form
/// (`http.client-requests` is `http_client_requests`). The dimension names of the first
/// instrument of a name hold for all: later ones lose what is not among them. A name already
/// taken by another kind of metric counts into nothing, since a library must not stop the program.
public struct SwiftMetricsBackend: MetricsFactory {
    private let registry: MetricsRegistry
    private let labels = LabelNames()

    /// A backend that fills a registry.
    public init(registry: MetricsRegistry) {
        self.registry = registry
    }

    /// A counter of whole numbers.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        CounterAdapter(
            instrument: instrument(.counter, label, .none, dimensions) { Telemetry.Counter() })
    }

    /// A counter of fractions.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        DoubleCounterAdapter(
            instrument: instrument(.counter, label, .none, dimensions) { DoubleCounter() })
    }

    /// A gauge that can also be moved.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gaugeAdapter(label, dimensions)
    }

    /// A histogram when it aggregates, else a gauge.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gaugeAdapter(label, dimensions) }
        let buckets = HistogramBuckets.exponential(start: 0.001, factor: 10, count: 12)
        return HistogramAdapter(
            instrument: instrument(.histogram, label, .none, dimensions) {
                Histogram(buckets: buckets)
            })
    }

    /// A histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        HistogramAdapter(
            instrument: instrument(.histogram, label, .seconds, dimensions) {
                Histogram(buckets: .callSeconds)
            })
    }

    // Series stay when a library drops its instrument: a total must not vanish from scrapes.

    /// Does nothing, see above.
    public func destroyCounter(_ handler: any CounterHandler) {}

    /// Does nothing, see above.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}

    /// Does nothing, see above.
    public func destroyMeter(_ handler: any MeterHandler) {}

    /// Does nothing, see above.
    public func destroyRecorder(_ handler: any RecorderHandler) {}

    /// Does nothing, see above.
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func gaugeAdapter(_ label: String, _ dimensions: [(String, String)]) -> GaugeAdapter {
        GaugeAdapter(instrument: instrument(.gauge, label, .none, dimensions) { Telemetry.Gauge() })
    }

    private func instrument<Instrument: MetricInstrument>(
        _ kind: MetricKind, _ label: String, _ unit: MetricUnit,
        _ dimensions: [(String, String)], make: @escaping @Sendable () -> Instrument
    ) -> Instrument {
        let given = Dictionary(
            dimensions.map { (sanitized($0.0), $0.1) }, uniquingKeysWith: { _, last in last })
        let name = sanitized(label)
        let names = labels.names(of: name, ifNew: given.keys.sorted())
        let description = MetricDescription(
            kind: kind, name: name, help: "Reported by a library as \(label).", unit: unit,
            labels: names)
        guard description.problem == nil,
            let family = registry.existingOrNew(description, make: make)
        else { return make() }
        return family.with(values: names.map { given[$0] ?? "" })
    }
}
