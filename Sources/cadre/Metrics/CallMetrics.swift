import Coordination
import GRPC
import Telemetry
import Threads

/// The series of RPCs. Names follow gRPC's own metrics (gRFC A66) in Prometheus form.
///
/// Methods are those that are served; any other path counts as `other`, so that callers cannot
/// make series.
final class CallMetrics: CallObserver {
    private let started: MetricFamily<Counter>
    private let ended: MetricFamily<Counter>
    private let seconds: MetricFamily<Histogram>
    private let active: MetricFamily<Gauge>
    private let received: MetricFamily<Counter>
    private let sent: MetricFamily<Counter>
    /// The methods that are served, by service.
    private let services = Locked<[String: [MethodMetrics]]>([:])

    init(_ registry: MetricsRegistry) {
        started = registry.counter(
            name: "cadre_rpc_started", help: "Calls that have begun.", labels: ["method"])
        ended = registry.counter(
            name: "cadre_rpc_ended", help: "Calls that have ended, by status code.",
            labels: ["method", "code"])
        seconds = registry.histogram(
            name: "cadre_rpc_duration", help: "From a call's headers to its end, by status code.",
            unit: .seconds, labels: ["method", "code"])
        active = registry.gauge(
            name: "cadre_rpc_active", help: "Calls that are open.", labels: ["method"])
        received = registry.counter(
            name: "cadre_rpc_received", help: "Message bytes received, with prefixes.",
            unit: .bytes, labels: ["method"])
        sent = registry.counter(
            name: "cadre_rpc_sent", help: "Message bytes sent, with prefixes.", unit: .bytes,
            labels: ["method"])
    }

    func observer(of method: MethodDescriptor?) -> any MethodObserver {
        let name = method.map { "\($0.service)/\($0.name)" } ?? "other"
        let metrics = MethodMetrics(
            started: started.with(name), active: active.with(name),
            received: received.with(name), sent: sent.with(name),
            ended: GRPCStatusCode.allCases.map { [ended, seconds] code in
                Lazy {
                    Ended(
                        count: ended.with(name, code.name),
                        seconds: seconds.with(name, code.name))
                }
            })
        if let method {
            services.withLock { $0[method.service, default: []].append(metrics) }
        }
        return metrics
    }

    /// The calls of each served service since the start, by name.
    var serviceCalls: [ServiceCalls] {
        services.withLock { $0 }.sorted { $0.key < $1.key }.map { service, methods in
            var calls = ServiceCalls(service: service, ended: 0, failed: 0, active: 0, seconds: 0)
            for method in methods { method.add(to: &calls) }
            return calls
        }
    }
}

/// The series of one method's calls that ended with one code.
private final class Ended: Sendable {
    let count: Counter
    let seconds: Histogram

    init(count: Counter, seconds: Histogram) {
        self.count = count
        self.seconds = seconds
    }

    /// Counts a call. Here, because taking both out of the object for each call costs as much again.
    func observe(nanos: Int64) {
        count.add()
        seconds.observe(nanos: nanos)
    }
}

/// The series of one method, looked up once.
private final class MethodMetrics: MethodObserver {
    private let started: Counter
    private let active: Gauge
    private let received: Counter
    private let sent: Counter
    /// By code; made at first use, so that a scrape shows only codes that have occurred.
    private let ended: [Lazy<Ended>]

    init(
        started: Counter, active: Gauge, received: Counter, sent: Counter, ended: [Lazy<Ended>]
    ) {
        self.started = started
        self.active = active
        self.received = received
        self.sent = sent
        self.ended = ended
    }

    func callStarted() {
        started.add()
        active.add()
    }

    func callEnded(_ summary: CallSummary) {
        active.subtract()
        received.add(UInt64(clamping: summary.bytesReceived))
        sent.add(UInt64(clamping: summary.bytesSent))
        ended[summary.code.rawValue].value.observe(nanos: summary.nanoseconds)
    }

    /// Adds what was counted to a service's sums.
    func add(to calls: inout ServiceCalls) {
        calls.active += Int64(active.value)
        for (code, ended) in zip(GRPCStatusCode.allCases, ended) {
            guard let ended = ended.existing else { continue }
            let count = Int64(clamping: ended.count.value)
            calls.ended += count
            if Self.isServersFault(code) { calls.failed += count }
            calls.seconds += ended.seconds.sum
        }
    }

    /// Deadlines are not among them: callers that wait on purpose meet them.
    private static func isServersFault(_ code: GRPCStatusCode) -> Bool {
        switch code {
        case .unknown, .resourceExhausted, .internalError, .unavailable, .dataLoss: true
        default: false
        }
    }
}
