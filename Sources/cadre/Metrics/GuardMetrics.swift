import Coordination
import Engine
import Telemetry
import Threads

/// The series of breakers, operating modes and isolated agents.
///
/// Breakers are named by callers: past the first 200 they all count as `_other`. So do the modes of
/// namespaces.
final class GuardMetrics: Sendable {
    private let state: MetricFamily<Gauge>
    private let calls: MetricFamily<Counter>
    private let slow: MetricFamily<Counter>
    private let notPermitted: MetricFamily<Counter>
    private let trips: MetricFamily<Counter>
    private let mode: MetricFamily<Gauge>
    private let isolated: MetricFamily<Gauge>
    private let isolations: MetricFamily<Counter>
    private let names = BoundedLabels(max: 200)
    /// Apart from those: no number of breakers may hide an emergency.
    private let spaces = BoundedLabels(max: 200)

    init(_ registry: MetricsRegistry) {
        state = registry.gauge(
            name: "cadre_breaker_state",
            help: "0 closed, 1 open, 2 half-open, 3 forced open, 4 disabled, 5 metrics only.",
            labels: ["namespace", "breaker"])
        calls = registry.counter(
            name: "cadre_breaker_calls",
            help:
                "Calls reported: success, failure, excluded, late (dropped), expired (never reported).",
            labels: ["namespace", "breaker", "kind"])
        slow = registry.counter(
            name: "cadre_breaker_slow_calls", help: "Reported calls that took too long.",
            labels: ["namespace", "breaker"])
        notPermitted = registry.counter(
            name: "cadre_breaker_not_permitted", help: "Calls refused.",
            labels: ["namespace", "breaker"])
        trips = registry.counter(
            name: "cadre_breaker_trips", help: "Openings, and those that only would have been.",
            labels: ["namespace", "breaker", "kind"])
        mode = registry.gauge(
            name: "cadre_operating_mode", help: "0 normal, 1 degraded, 2 emergency.",
            labels: ["namespace"])
        isolated = registry.gauge(
            name: "cadre_agent_isolated", help: "Instances that get no work, by type.",
            labels: ["agent_type"])
        isolations = registry.counter(
            name: "cadre_agent_isolation_decisions",
            help: "What the failure isolator decided: isolated, canary, restored, spared.",
            labels: ["agent_type", "decision"])
        // So that alerts find a series before anything has happened, and the default namespace
        // keeps its own.
        let (space, _) = spaces.labels(Namespace.default.name, "")
        mode.with(space).set(0)
    }

    /// Counts what the engine tells.
    func noted(_ notice: GuardNotice) {
        switch notice {
        case .breakerState(let namespace, let name, let new):
            let (space, label) = names.labels(namespace.name, name)
            state.with(space, label).set(Int(new.rawValue))
        case .breakerDeleted(let namespace, let name):
            forget(namespace.name, name)
        case .breakerCalls(let namespace, let name, let counts):
            let (space, label) = names.labels(namespace.name, name)
            add(counts, space, label)
        case .operatingMode(let namespace, let new):
            let (space, _) = spaces.labels(namespace.name, "")
            mode.with(space).set(Int(new.rawValue))
        case .isolation(let type, let kind): isolations.with(type, kind.label).add()
        case .isolated(let type, let count): isolated.with(type).set(count)
        case .order: break
        }
    }

    /// A breaker that is no more leaves no series, and its place to another one. Those that share
    /// `_other` stay.
    private func forget(_ namespace: String, _ name: String) {
        guard names.forget(namespace, name) else { return }
        state.remove(namespace, name)
        slow.remove(namespace, name)
        notPermitted.remove(namespace, name)
        for kind in Self.callKinds { calls.remove(namespace, name, kind) }
        for kind in Self.tripKinds { trips.remove(namespace, name, kind) }
    }

    private static let callKinds = ["success", "failure", "excluded", "late", "expired"]
    private static let tripKinds = ["trip", "shadow"]

    private func add(_ counts: BreakerCounts, _ space: String, _ label: String) {
        let reported = [
            counts.successes, counts.failures, counts.excluded, counts.late, counts.expired,
        ]
        for (kind, count) in zip(Self.callKinds, reported) where count > 0 {
            calls.with(space, label, kind).add(UInt64(count))
        }
        if counts.slow > 0 { slow.with(space, label).add(UInt64(counts.slow)) }
        if counts.notPermitted > 0 {
            notPermitted.with(space, label).add(UInt64(counts.notPermitted))
        }
        for (kind, count) in zip(Self.tripKinds, [counts.trips, counts.shadowTrips])
        where count > 0 {
            trips.with(space, label, kind).add(UInt64(count))
        }
    }
}

/// Names given by callers as labels: the first so many stand for themselves.
final class BoundedLabels: Sendable {
    private let known = Locked<Set<[String]>>([])
    private let max: Int

    init(max: Int) { self.max = max }

    /// The labels of a name in a namespace, `_other` where there are too many.
    func labels(_ namespace: String, _ name: String) -> (String, String) {
        let isKnown = known.withLock { known in
            if known.contains([namespace, name]) { return true }
            if known.count >= max { return false }
            known.insert([namespace, name])
            return true
        }
        return isKnown ? (namespace, name) : ("_other", "_other")
    }

    /// The name is used no more; whether it stood for itself.
    func forget(_ namespace: String, _ name: String) -> Bool {
        known.withLock { $0.remove([namespace, name]) != nil }
    }
}

extension IsolationChange.Kind {
    /// The decision as a label.
    fileprivate var label: String {
        switch self {
        case .isolated: "isolated"
        case .canary: "canary"
        case .restored: "restored"
        case .spared: "spared"
        }
    }
}
