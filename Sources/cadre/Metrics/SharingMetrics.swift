import Coordination
import Engine
import Telemetry

/// The series of shared memory and locks.
final class SharingMetrics: Sendable {
    private let changes: Counter
    private let expired: Counter
    private let keys: Gauge
    private let bytes: Gauge
    private let watchers: Gauge
    private let granted: Counter
    private let waits: Histogram
    private let ended: MetricFamily<Counter>
    private let refused: MetricFamily<Counter>
    private let held: Gauge
    private let waiting: Gauge

    init(_ registry: MetricsRegistry) {
        changes =
            registry.counter(
                name: "cadre_memory_changes", help: "Keys put, deleted or expired, on disk."
            ).with()
        expired =
            registry.counter(
                name: "cadre_memory_expired", help: "Keys whose time to live was over."
            ).with()
        keys = registry.gauge(name: "cadre_memory_keys", help: "Keys that hold something.").with()
        bytes =
            registry.gauge(
                name: "cadre_memory_size", help: "What keys and values take.", unit: .bytes
            ).with()
        watchers =
            registry.gauge(
                name: "cadre_memory_watchers",
                help: "Callers that watch shared memory, as of its last change."
            ).with()
        granted = registry.counter(name: "cadre_lock_granted", help: "Acquires granted.").with()
        waits =
            registry.histogram(
                name: "cadre_lock_wait", help: "From asking for a lock to getting it.",
                unit: .seconds
            ).with()
        ended = registry.counter(
            name: "cadre_lock_ended", help: "Acquires that ended: released, expired, broken.",
            labels: ["kind"])
        refused = registry.counter(
            name: "cadre_lock_refused",
            help: "Waits that ended without a lock: timeout, or cycle (refused at once).",
            labels: ["reason"])
        held = registry.gauge(name: "cadre_lock_held", help: "Acquires that hold a lock.").with()
        waiting =
            registry.gauge(name: "cadre_lock_waiting", help: "Acquires that wait.").with()
    }

    /// Counts what the engine tells.
    func noted(_ notice: MemoryNotice) {
        switch notice {
        case .changed(let count): changes.add(UInt64(count))
        case .expired: expired.add()
        case .gauges(let gauges):
            keys.set(gauges.keys)
            bytes.set(gauges.bytes)
            watchers.set(gauges.watchers)
        }
    }

    /// Counts what the engine tells.
    func noted(_ notice: LockNotice) {
        switch notice {
        case .granted(let nanos):
            granted.add()
            waits.observe(Double(nanos) / 1e9)
        case .ended(let end): ended.with(end.label).add()
        case .timedOut: refused.with("timeout").add()
        case .cycleRefused: refused.with("cycle").add()
        case .gauges(let gauges):
            held.set(gauges.held)
            waiting.set(gauges.waiting)
        }
    }
}

extension LockEnd {
    /// The end as a label.
    fileprivate var label: String {
        switch self {
        case .released: "released"
        case .expired: "expired"
        case .broken: "broken"
        }
    }
}
