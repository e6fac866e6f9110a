import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs

/// One watcher of the metrics: the newest numbers each interval, as far as the reader takes them.
/// Confined to its loop.
final class MetricsWatch {
    private let link: EngineLink
    private let call: ServerStreamCall<WatchMetricsResponse>
    private let recorder: MetricsRecorder
    private let windowNanos: Int64
    private let interval: TimeAmount
    private var task: Scheduled<Void>?
    private var ticket: ReplyTicket?
    private var sequence: Int64 = 0
    private var missed: Int64 = 0
    private var hasBegun = false

    init(
        link: EngineLink, call: ServerStreamCall<WatchMetricsResponse>, recorder: MetricsRecorder,
        windowNanos: Int64, interval: TimeAmount
    ) {
        self.link = link
        self.call = call
        self.recorder = recorder
        self.windowNanos = windowNanos
        self.interval = interval
    }

    /// Begins to send.
    func begin() {
        guard recorder.beginWatch() else { return call.fail(Self.tooMany) }
        hasBegun = true
        call.onCancel { _ in self.leave() }
        call.endAtShutdown()
        tick()
    }

    private func tick() {
        guard hasBegun, call.isOpen else { return }
        task = call.eventLoop.assumeIsolated().scheduleTask(in: interval) { self.tick() }
        sequence += 1
        // One whose answer is not here yet, or whose reader is not ready, is left out.
        guard ticket == nil, call.isWritable else {
            missed += 1
            return
        }
        ticket = link.ask({ .monitor(.read, $0) }) { answer in
            self.ticket = nil
            guard case .monitor(.reading(let reading)) = answer else {
                return self.end(answer.refusal)
            }
            self.send(reading)
        }
    }

    private func send(_ reading: MeterReading) {
        let (sample, history) = recorder.look(reading)
        var response = WatchMetricsResponse()
        response.metrics = Messages.CoordinationMetrics(
            history.window(ending: sample, nanos: windowNanos), now: sample.reading.time)
        response.sequence = sequence
        response.missed = missed
        missed = 0
        call.send(response)
    }

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        guard hasBegun else { return }
        hasBegun = false
        task?.cancel()
        task = nil
        if let ticket { link.abandon(ticket) }
        ticket = nil
        recorder.endWatch()
    }

    private static var tooMany: GRPCStatus {
        Rejection(
            .overloaded, reason: "TOO_MANY_WATCHERS",
            "\(MetricsRecorder.maxWatchers) callers watch the metrics already; ask with GetMetrics, "
                + "or scrape /metrics"
        ).status
    }
}
