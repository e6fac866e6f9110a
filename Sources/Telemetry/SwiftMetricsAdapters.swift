import CoreMetrics
import Threads

/// The label names each metric of a library was first reported with.
final class LabelNames: Sendable {
    private let names = Locked<[String: [String]]>([:])

    func names(of metric: String, ifNew candidates: [String]) -> [String] {
        names.withLock { names in
            if let known = names[metric] { return known }
            names[metric] = candidates
            return candidates
        }
    }
}

/// A name in Prometheus form: what may not stand in it becomes `_`.
func sanitized(_ name: String) -> String {
    let bytes = name.utf8.map { isIdentifierByte($0) ? $0 : UInt8(ascii: "_") }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let first = text.utf8.first else { return "_" }
    return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) ? "_" + text : text
}

final class CounterAdapter: CounterHandler {
    private let instrument: Telemetry.Counter

    init(instrument: Telemetry.Counter) { self.instrument = instrument }

    func increment(by amount: Int64) {
        if amount > 0 { instrument.add(UInt64(amount)) }
    }

    // A scraped counter must only grow; scrapers see the start of the process as its reset.
    func reset() {}
}

final class DoubleCounterAdapter: FloatingPointCounterHandler {
    private let instrument: DoubleCounter

    init(instrument: DoubleCounter) { self.instrument = instrument }

    func increment(by amount: Double) { instrument.add(amount) }

    // As above.
    func reset() {}
}

final class GaugeAdapter: MeterHandler, RecorderHandler {
    private let instrument: Telemetry.Gauge

    init(instrument: Telemetry.Gauge) { self.instrument = instrument }

    func set(_ value: Int64) { instrument.set(Double(value)) }
    func set(_ value: Double) { instrument.set(value) }
    func increment(by amount: Double) { instrument.add(amount) }
    func decrement(by amount: Double) { instrument.subtract(amount) }
    func record(_ value: Int64) { instrument.set(Double(value)) }
    func record(_ value: Double) { instrument.set(value) }
}

final class HistogramAdapter: RecorderHandler, TimerHandler {
    private let instrument: Histogram

    init(instrument: Histogram) { self.instrument = instrument }

    func record(_ value: Int64) { instrument.observe(Double(value)) }
    func record(_ value: Double) { instrument.observe(value) }
    func recordNanoseconds(_ duration: Int64) { instrument.observe(nanos: duration) }
}
