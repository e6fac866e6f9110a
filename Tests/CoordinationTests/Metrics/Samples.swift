@testable import Coordination

/// A meter in a time of its own, and the samples that were taken of it.
struct SampledMeter {
    var meter = CoordinationMeter()
    var now = EngineTime(monotonicNanos: 5_000_000_000, wallMillis: 1_700_000_000_000)
    /// What stands beside the meter in the engine.
    var gauges: (inout MeterReading) -> Void = { _ in }
    var calls: [ServiceCalls] = []
    private(set) var history: MetricsHistory

    init() {
        meter.begin(at: now)
        history = MetricsHistory(
            first: MetricsSample(reading: MeterReading(time: now, since: now), calls: []))
    }

    var nanos: Int64 { now.monotonicNanos }

    var sample: MetricsSample {
        var reading = meter.reading(at: now)
        gauges(&reading)
        var type = meter.reading(ofType: 0, named: "risk", atNanos: now.monotonicNanos)
        type.instances = 2
        if type.slots > 0 { reading.add(type) }
        return MetricsSample(reading: reading, calls: calls)
    }

    /// Lets time pass, sampling each second.
    mutating func pass(seconds: Int64) {
        for _ in 0..<seconds {
            now.monotonicNanos += 1_000_000_000
            now.wallMillis += 1_000
            history.record(sample)
        }
    }

    /// An assignment that took so long in each of its parts, in milliseconds; ends now.
    mutating func finish(
        queue: Int64 = 0, prepare: Int64 = 0, way: Int64 = 0, work: Int64, fails: Bool = false
    ) {
        let unit: Int64 = 1_000_000
        let end = now.monotonicNanos
        let dispatched = end - (way + work) * unit
        let granted = dispatched - prepare * unit
        meter.finished(
            FinishedWork(
                wantedNanos: granted - queue * unit, grantedNanos: granted,
                dispatchedNanos: dispatched, acceptedNanos: end, executionNanos: work * unit,
                isFailure: fails), type: 0)
    }

    func window(seconds: Int64) -> WindowMetrics {
        history.window(ending: sample, nanos: seconds * 1_000_000_000)
    }

    func report(seconds: Int64) -> CoordinationReport {
        CoordinationReport(history, ending: sample, nanos: seconds * 1_000_000_000)
    }
}
