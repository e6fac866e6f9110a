import Coordination
import Engine
import GRPC
import Messages
import Stubs
import Threads

/// One watcher of graphs: the newest state of each run that has changed, as fast as the reader takes
/// it. Confined to its loop.
///
/// What changes while the reader is busy is put together, one state a run, in the order in which they
/// first changed; so what is told last names the number behind which nothing is missing.
final class GraphWatch {
    private struct Change {
        var summary: RunSummary?
        /// The number of the first change that has not been told.
        var first: Int64
    }

    private let link: EngineLink
    private let call: ServerStreamCall<WatchGraphsResponse>
    private var ticket: ReplyTicket?
    /// What was told of a run last, so that only what differs is told next.
    private var told: [RunID: RunSummary] = [:]
    private var waiting: [RunID: Change] = [:]
    /// The runs of `waiting` in order.
    private var order: [RunID] = []
    private var head = 0
    private var newest: Int64 = 0
    private var isReady = false

    /// Runs that may wait for a slow reader, and runs whose last state is kept.
    private static let maxWaiting = 10_000
    private static let maxTold = 1_000

    init(link: EngineLink, call: ServerStreamCall<WatchGraphsResponse>) {
        self.link = link
        self.call = call
    }

    /// Begins to follow.
    func begin(_ watch: WatchGraphs) {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        ticket = link.follow({ .insight(.watchGraphs(watch), $0) }) { answer in
            switch answer {
            case .insight(.graphs(let summaries, let ended, let sequence)):
                // Until all of these are told, the only point to go on behind is the old one.
                let first = (watch.after ?? 0) + 1
                for id in ended { self.add(id, nil, first) }
                for summary in summaries { self.add(summary.id, summary, first) }
                self.newest = sequence
            case .insight(.changed(let summary, let sequence)):
                self.newest = max(self.newest, sequence)
                self.add(summary.id, summary, sequence)
            default: return self.end(answer.refusal)
            }
            self.proceed()
        }
    }

    private func add(_ run: RunID, _ summary: RunSummary?, _ sequence: Int64) {
        if waiting[run] == nil {
            waiting[run] = Change(summary: summary, first: sequence)
            order.append(run)
        } else {
            waiting[run]?.summary = summary
        }
    }

    private func proceed() {
        guard call.isOpen else { return }
        while head < order.count, call.isWritable {
            let run = order[head]
            head += 1
            guard let change = waiting.removeValue(forKey: run) else { continue }
            send(run, change)
        }
        if head == order.count {
            order.removeAll(keepingCapacity: true)
            head = 0
            if !isReady, newest > 0 {
                isReady = true
                var response = WatchGraphsResponse()
                response.sequence = newest
                response.update = .ready(true)
                call.send(response)
            }
        }
        if waiting.count > Self.maxWaiting { end(tooSlow) }
    }

    private func send(_ run: RunID, _ change: Change) {
        let updates = updates(run, change)
        for (index, update) in updates.enumerated() {
            var response = WatchGraphsResponse()
            // Before the last part of a change, the change has not been told.
            response.sequence =
                index == updates.count - 1 ? resumePoint : min(resumePoint, change.first - 1)
            response.update = update
            call.send(response)
        }
    }

    private func updates(_ run: RunID, _ change: Change) -> [WatchGraphsResponse.Update] {
        guard let summary = change.summary else { return [.endedRunID(run.description)] }
        let now = SystemClock.wallMillis()
        defer { remember(summary) }
        guard let last = told[run] else { return [.graph(Graph(summary, nowMillis: now))] }
        return GraphDelta.all(summary, since: last, nowMillis: now).map { .delta($0) }
    }

    /// Behind this number nothing is missing once the next message is sent.
    private var resumePoint: Int64 {
        guard head < order.count, let next = waiting[order[head]] else { return newest }
        return next.first - 1
    }

    /// A run that has ended changes no more. Of too many any may be forgotten: it comes whole again.
    private func remember(_ summary: RunSummary) {
        if summary.status.isClosed {
            told[summary.id] = nil
            return
        }
        if told.count >= Self.maxTold, told[summary.id] == nil, let other = told.keys.first {
            told[other] = nil
        }
        told[summary.id] = summary
    }

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
        waiting = [:]
        order = []
        head = 0
    }

    private var tooSlow: GRPCStatus {
        Rejection(
            .overloaded, reason: "SLOW_READER",
            "this reader is \(waiting.count) runs behind; watch again with after_sequence "
                + "\(resumePoint), or name fewer runs"
        ).status
    }
}
