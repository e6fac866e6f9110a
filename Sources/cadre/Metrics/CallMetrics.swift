import GRPC
import Telemetry

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
        return MethodMetrics(
            started: started.with(name), active: active.with(name),
            received: received.with(name), sent: sent.with(name),
            ended: GRPCStatusCode.allCases.map { [ended, seconds] code in
                Lazy {
                    Ended(
                        count: ended.with(name, code.name),
                        seconds: seconds.with(name, code.name))
                }
            })
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
        let ended = ended[summary.code.rawValue].value
        ended.count.add()
        ended.seconds.observe(nanos: summary.nanoseconds)
    }
}
