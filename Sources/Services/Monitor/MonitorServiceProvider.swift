import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.MonitorService`: how well agents are coordinated.
///
/// Runs on the socket loops, but for reports, which are made off them.
public struct MonitorServiceProvider: MonitorServiceHandler {
    private let links: EngineLinks
    private let recorder: MetricsRecorder

    /// Serves the engine behind `links` and what `recorder` has kept.
    public init(links: EngineLinks, recorder: MetricsRecorder) {
        self.links = links
        self.recorder = recorder
    }

    /// The numbers of the window that ends now.
    public func getMetrics(_ request: GetMetricsRequest, _ call: UnaryCall<GetMetricsResponse>) {
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkWindow(request.windowMillis, least: 1_000)
        if let status = faults.status { return call.fail(status) }
        let nanos = windowNanos(request.windowMillis, default: 300_000)
        read(call) { sample, history in
            call.respond(
                GetMetricsResponse(
                    metrics: Messages.CoordinationMetrics(
                        history.window(ending: sample, nanos: nanos), now: sample.reading.time)))
        }
    }

    /// The same again and again.
    public func watchMetrics(
        _ request: WatchMetricsRequest, _ call: ServerStreamCall<WatchMetricsResponse>
    ) {
        do throws(GRPCStatus) {
            _ = try call.metadata.namespace()
            var faults = FieldFaults()
            faults.checkWindow(request.windowMillis, least: 1_000)
            let interval = request.intervalMillis
            faults.check(
                interval == 0 || (200...60_000).contains(interval), "interval_millis",
                "is \(interval); 200 to 60000, 0 for the default of 1000")
            if let status = faults.status { throw status }
            MetricsWatch(
                link: links.link(on: call.eventLoop), call: call, recorder: recorder,
                windowNanos: windowNanos(request.windowMillis, default: 300_000),
                interval: .milliseconds(interval == 0 ? 1_000 : interval)
            ).begin()
        } catch {
            call.fail(error)
        }
    }

    /// The same for each step of a stretch of the past.
    public func getMetricsHistory(
        _ request: GetMetricsHistoryRequest, _ call: UnaryCall<GetMetricsHistoryResponse>
    ) {
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkStretch(request)
        if let status = faults.status { return call.fail(status) }
        read(call) { sample, history in
            do throws(GRPCStatus) {
                let stretch = try MetricsStretch(request, now: sample.reading.time)
                call.respond(try stretch.response(history, sample))
            } catch {
                call.fail(error)
            }
        }
    }

    /// Numbers, trends, a health score and recommendations.
    public func getReport(_ request: GetReportRequest, _ call: UnaryCall<GetReportResponse>) {
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkWindow(request.windowMillis, least: 60_000)
        if let status = faults.status { return call.fail(status) }
        let nanos = windowNanos(request.windowMillis, default: 3_600_000)
        read(call) { sample, history in
            let respond = call.hop { (response: GetReportResponse) in
                if call.isOpen { call.respond(response) }
            }
            // Slopes between all pairs of points take milliseconds: not on a socket loop.
            Task {
                respond(
                    GetReportResponse(
                        CoordinationReport(history, ending: sample, nanos: nanos),
                        now: sample.reading.time))
            }
        }
    }

    // MARK: Parts

    private func windowNanos(_ millis: Int64, default fallback: Int64) -> Int64 {
        (millis == 0 ? fallback : millis) * 1_000_000
    }

    /// Asks the engine for its counts and goes on with them and with what was kept before.
    private func read<Response>(
        _ call: UnaryCall<Response>,
        _ body: @escaping (MetricsSample, MetricsHistory) -> Void
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .monitor(.read, $0) }) { answer in
            guard case .monitor(.reading(let reading)) = answer else {
                return call.fail(answer.refusal)
            }
            let (sample, history) = recorder.look(reading)
            body(sample, history)
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}

extension FieldFaults {
    /// A window's length, 0 for its default.
    fileprivate mutating func checkWindow(_ millis: Int64, least: Int64) {
        check(
            millis == 0 || (least...86_400_000).contains(millis), "window_millis",
            "is \(millis); \(least) to 86400000, 0 for the default")
    }

    /// What of a stretch can be checked without a clock.
    fileprivate mutating func checkStretch(_ request: GetMetricsHistoryRequest) {
        let (start, end, step) = (
            request.startUnixMillis, request.endUnixMillis, request.stepMillis
        )
        check(start >= 0, "start_unix_millis", "is \(start); 0 means an hour before the end")
        check(end >= 0, "end_unix_millis", "is \(end); 0 means now")
        check(
            end <= 0 || start < end, "end_unix_millis",
            "is \(end), which is not after start_unix_millis")
        check(
            step == 0 || (1_000...86_400_000).contains(step), "step_millis",
            "is \(step); 1000 to 86400000, 0 for a sixtieth of the stretch")
    }
}
