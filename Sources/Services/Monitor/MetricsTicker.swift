import Coordination
import Engine
import NIOCore

/// Asks the engine once a second what it has counted. Confined to its loop.
final class MetricsTicker {
    private let link: EngineLink
    private let loop: NIOIsolatedEventLoop
    private let recorder: MetricsRecorder
    private var task: Scheduled<Void>?
    private var ticket: ReplyTicket?

    /// Must be called on `loop`.
    init(link: EngineLink, loop: any EventLoop, recorder: MetricsRecorder) {
        self.link = link
        self.loop = loop.assumeIsolated()
        self.recorder = recorder
    }

    /// Asks now, and each second from now on; an answer that is late is not asked for again.
    func begin() {
        if ticket == nil { ask() }
        task = loop.scheduleTask(in: .nanoseconds(MetricsHistory.fineNanos)) { self.begin() }
    }

    /// Asks no more.
    func end() {
        task?.cancel()
        task = nil
        if let ticket { link.abandon(ticket) }
        ticket = nil
    }

    private func ask() {
        ticket = link.ask({ .monitor(.read, $0) }) { answer in
            self.ticket = nil
            // A refusal, of an engine that is full or has failed, leaves a gap.
            if case .monitor(.reading(let reading)) = answer { self.recorder.record(reading) }
        }
    }
}
