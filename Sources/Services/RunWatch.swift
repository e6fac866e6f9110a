import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension WorkflowServiceProvider {
    /// See `WatchRun` in the proto.
    public func watchRun(_ request: WatchRunRequest, _ call: ServerStreamCall<WatchRunResponse>) {
        do throws(GRPCStatus) {
            let namespace = try call.metadata.namespace()
            let reference = try Engine.RunReference(request.run, in: namespace)
            guard request.fromSequence >= 0 else {
                throw .bad("from_sequence", "is negative; sequences start at 1")
            }
            let watch = RunWatch(
                namespace: namespace, from: max(1, request.fromSequence),
                follows: request.follow || reference.isByWorkflow, host: host,
                link: links.link(on: call.eventLoop), call: call)
            watch.begin(reference)
        } catch {
            call.fail(error)
        }
    }
}

/// One watcher of a run: reads what has happened from the store, then passes on what happens.
///
/// The engine names the sequence number at which it began to follow; everything up to there is
/// read from the store page by page while newer events wait here, so the two join without a gap
/// and without an event twice. Confined to its loop.
final class RunWatch {
    private let namespace: Namespace
    /// Whether it goes on with the successor of a run that continues as new.
    private let follows: Bool
    private let host: EngineHost
    private let link: EngineLink
    private let call: ServerStreamCall<WatchRunResponse>
    private var ticket: ReplyTicket?
    /// The next sequence number to send.
    private var next: Int64
    private var run: RunID?
    private var isCaughtUp = false
    /// Where the reading of stored events ends, while the next page waits for the reader.
    private var pausedReadEnd: Int64?
    private var waiting: [Coordination.HistoryEvent] = []
    private var closing: (RunSummary, Coordination.Payload?)?

    /// Events read from the store at a time.
    private static let pageSize = 500
    /// Events that may wait for a slow reader before the stream ends with a resume point.
    private static let maxWaiting = 10_000

    init(
        namespace: Namespace, from: Int64, follows: Bool, host: EngineHost, link: EngineLink,
        call: ServerStreamCall<WatchRunResponse>
    ) {
        self.namespace = namespace
        self.follows = follows
        self.host = host
        self.link = link
        self.call = call
        next = from
    }

    /// Finds the run, then follows it.
    func begin(_ reference: Engine.RunReference) {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        find(reference)
    }

    private func find(_ reference: Engine.RunReference) {
        ticket = link.ask({ .getRun(reference, $0) }) { answer in
            guard case .run(let summary, let result) = answer else {
                return self.call.fail(answer.refusal)
            }
            self.run = summary.id
            if summary.status.isClosed {
                self.closing = (summary, result)
                self.readPage(upTo: summary.lastSequence)
            } else {
                self.follow(summary.id)
            }
        }
    }

    private func follow(_ run: RunID) {
        call.endAtShutdown()
        ticket = link.follow({ .watchRun(.run(self.namespace, run), $0) }) { answer in
            switch answer {
            case .watching(let last): self.readPage(upTo: last)
            case .events(let events):
                self.waiting += events
                self.proceed()
            case .runClosed(let summary, let result):
                self.closing = (summary, result)
                self.proceed()
            default: self.end(answer.refusal)
            }
        }
    }

    /// Sends the stored events up to `last`, then what waited meanwhile.
    private func readPage(upTo last: Int64) {
        guard next <= last, let run else {
            isCaughtUp = true
            return proceed()
        }
        let hop = call.hop { (result: Result<[Coordination.HistoryEvent], Rejection>) in
            self.pageRead(result, upTo: last)
        }
        host.history(run: run, from: next, limit: Self.pageSize, completion: hop)
    }

    private func pageRead(
        _ result: Result<[Coordination.HistoryEvent], Rejection>, upTo last: Int64
    ) {
        switch result {
        case .failure(let rejection): end(rejection.status)
        case .success(let events) where events.isEmpty:
            isCaughtUp = true
            proceed()
        case .success(let events):
            for event in events where event.sequence <= last { send(event) }
            pausedReadEnd = last
            proceed()
        }
    }

    /// Reads the next page or sends what waits, as far as the reader takes it.
    private func proceed() {
        guard call.isOpen else { return }
        if waiting.count > Self.maxWaiting, !isCaughtUp { return end(tooSlow) }
        if let last = pausedReadEnd, call.isWritable {
            pausedReadEnd = nil
            return readPage(upTo: last)
        }
        guard isCaughtUp else { return }
        var sent = 0
        while sent < waiting.count, call.isWritable {
            send(waiting[sent])
            sent += 1
        }
        waiting.removeFirst(sent)
        if waiting.count > Self.maxWaiting { return end(tooSlow) }
        if waiting.isEmpty, let closing { finish(closing.0, closing.1) }
    }

    private func send(_ event: Coordination.HistoryEvent) {
        guard event.sequence >= next else { return }
        var response = WatchRunResponse()
        response.update = .event(Messages.HistoryEvent(event, payload: nil))
        call.send(response)
        next = event.sequence + 1
    }

    private func finish(_ summary: RunSummary, _ result: Coordination.Payload?) {
        if follows, let successor = summary.continuedAs { return goOn(with: successor) }
        var closed = RunClosed()
        closed.run = Run(summary)
        closed.result = result.map(Messages.Payload.init)
        var response = WatchRunResponse()
        response.update = .closed(closed)
        call.send(response)
        if let ticket { link.drop(ticket) }
        call.finish()
    }

    private func goOn(with successor: RunID) {
        var response = WatchRunResponse()
        response.update = .continuedRunID(successor.description)
        call.send(response)
        if let ticket { link.drop(ticket) }
        ticket = nil
        next = 1
        isCaughtUp = false
        closing = nil
        find(.run(namespace, successor))
    }

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
    }

    private var tooSlow: GRPCStatus {
        Rejection(
            .overloaded, reason: "SLOW_READER",
            "this reader is \(waiting.count) events behind; watch again with from_sequence \(next)"
        ).status
    }
}
