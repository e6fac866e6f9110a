import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Store
import Stubs

/// One watcher of shared memory: reads what has changed from the store, then passes on what changes.
///
/// The engine names the revision at which it began to follow. Everything up to there is read from
/// the store page by page while newer changes wait here, so the two join without a gap and without a
/// change twice. Confined to its loop.
final class MemoryWatch {
    private let namespace: Namespace
    private let scope: MemoryScope
    private let wantsPrevious: Bool
    private let progress: TimeAmount
    private let host: EngineHost
    private let link: EngineLink
    private let call: ServerStreamCall<MemoryServiceWatchResponse>
    private var ticket: ReplyTicket?
    /// Where sending goes on; revision 0: wherever the engine begins.
    private var next: MemoryPosition
    /// The revision up to which the store is read.
    private var joinedAt: Int64 = 0
    private var isCaughtUp = false
    /// The next page waits for the reader.
    private var isPaused = false
    /// Changes of one revision each.
    private var waiting: [[Coordination.MemoryChange]] = []
    private var waitingBytes = 0
    private var hasSent = false
    private var progressTask: Scheduled<Void>?

    /// Changes and bytes of one page from the store.
    private static let pageSize = 500
    private static let pageBytes = 1 << 20
    /// Revisions and bytes that may wait for a slow reader before the stream ends with a resume point.
    private static let maxWaiting = 10_000
    private static let maxWaitingBytes = 8 << 20
    /// Live changes that go into one message.
    private static let messageBytes = 256 << 10

    init(
        namespace: Namespace, scope: MemoryScope, from: Int64, wantsPrevious: Bool,
        progress: TimeAmount, host: EngineHost, link: EngineLink,
        call: ServerStreamCall<MemoryServiceWatchResponse>
    ) {
        self.namespace = namespace
        self.scope = scope
        self.wantsPrevious = wantsPrevious
        self.progress = progress
        self.host = host
        self.link = link
        self.call = call
        next = MemoryPosition(revision: from)
    }

    /// Begins to follow.
    func begin() {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        let from = next.revision
        ticket = link.follow({ .memory(.watch(self.namespace, self.scope, from: from), $0) }) {
            self.take($0)
        }
    }

    private func take(_ answer: Answer) {
        guard case .memory(let own) = answer else { return end(answer.refusal) }
        switch own {
        case .watching(let revision, let oldest): started(at: revision, oldest: oldest)
        case .changes(let changes):
            waiting.append(changes)
            waitingBytes += changes.reduce(0) { $0 + $1.valueBytes }
            proceed()
        default: end(answer.refusal)
        }
    }

    private func started(at revision: Int64, oldest: Int64) {
        send(.started(MemoryWatchStarted(revision: revision, oldestRevision: oldest)))
        if next.revision == 0 { next.revision = revision + 1 }
        joinedAt = revision
        armProgress()
        readPage()
    }

    // MARK: What has changed

    private func readPage() {
        guard next.revision <= joinedAt else {
            isCaughtUp = true
            return proceed()
        }
        let hop = call.hop { (result: Result<MemoryReading, Rejection>) in self.pageRead(result) }
        host.readMemory(
            MemoryQuery(
                namespace: namespace.name,
                .changes(scope, from: next, previous: wantsPrevious), limit: Self.pageSize,
                maxBytes: Self.pageBytes),
            completion: hop)
    }

    private func pageRead(_ result: Result<MemoryReading, Rejection>) {
        guard call.isOpen else { return }
        switch result {
        case .failure(let rejection): end(rejection.status)
        case .success(let reading) where reading.oldest > next.revision:
            // It was overtaken while it read: what is missing is told.
            end(Rejection.compacted(next.revision, oldest: reading.oldest).status)
        case .success(let reading):
            let changes = reading.changes.filter { $0.entry.revision <= joinedAt }
            let following = reading.next ?? MemoryPosition(revision: joinedAt + 1)
            emit(changes, isComplete: following.offset == 0)
            next = following
            isPaused = true
            proceed()
        }
    }

    // MARK: What changes

    /// Reads the next page or sends what waits, as far as the reader takes it.
    private func proceed() {
        guard call.isOpen else { return }
        if isPaused, call.isWritable {
            isPaused = false
            return readPage()
        }
        if isCaughtUp { sendWaiting() }
        if waiting.count > Self.maxWaiting || waitingBytes > Self.maxWaitingBytes {
            end(tooSlow)
        }
    }

    private func sendWaiting() {
        var sent = 0
        while sent < waiting.count, call.isWritable {
            var changes: [Coordination.MemoryChange] = []
            var bytes = 0
            while sent < waiting.count, changes.isEmpty || bytes < Self.messageBytes {
                changes += waiting[sent]
                bytes += waiting[sent].reduce(0) { $0 + $1.valueBytes }
                sent += 1
            }
            waitingBytes -= bytes
            emit(changes, isComplete: true)
            if let last = changes.last {
                next = MemoryPosition(revision: last.entry.revision + 1)
            }
        }
        waiting.removeFirst(sent)
    }

    /// Sends changes in as many messages as their sizes need.
    ///
    /// - Parameter isComplete: whether nothing else follows of the last one's revision.
    private func emit(_ changes: [Coordination.MemoryChange], isComplete: Bool) {
        var message = MemoryChanges()
        var budget = PageBudget()
        for change in changes {
            let entry = Messages.MemoryChange(change, previous: wantsPrevious)
            if !budget.take(entry) {
                send(message, before: change.entry.revision)
                message = MemoryChanges()
                budget = PageBudget()
                _ = budget.take(entry)
            }
            message.changes.append(entry)
        }
        guard let last = changes.last?.entry.revision else { return }
        send(message, before: isComplete ? last + 1 : last)
    }

    /// Sends a message behind which a change of this revision, or a later one, comes next.
    private func send(_ message: MemoryChanges, before revision: Int64) {
        var message = message
        let last = message.changes.last?.entry?.revision ?? 0
        message.continues = last == revision
        message.resumeRevision = message.continues ? last : last + 1
        send(.changes(message))
    }

    private func send(_ update: MemoryServiceWatchResponse.Update) {
        call.send(MemoryServiceWatchResponse(update: update))
        hasSent = true
    }

    // MARK: Silence

    private func armProgress() {
        progressTask = call.eventLoop.assumeIsolated().scheduleTask(in: progress) {
            self.wasSilent()
        }
    }

    /// Says where it stands when nothing else was said for a while. The engine's answer comes behind
    /// all changes that it covers.
    private func wasSilent() {
        guard call.isOpen else { return }
        let isSilent = !hasSent && isCaughtUp && waiting.isEmpty
        hasSent = false
        armProgress()
        guard isSilent else { return }
        link.ask({ .memory(.position(self.namespace), $0) }) { answer in
            guard case .memory(.position(let revision)) = answer, self.call.isOpen,
                self.waiting.isEmpty
            else { return }
            self.next.revision = max(self.next.revision, revision + 1)
            self.send(.progress(MemoryProgress(revision: self.next.revision - 1)))
            self.hasSent = false
        }
    }

    // MARK: The end

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
        progressTask?.cancel()
        waiting = []
        waitingBytes = 0
    }

    private var tooSlow: GRPCStatus {
        var rejection = Rejection(
            .overloaded, reason: "SLOW_WATCHER",
            "this watcher is \(waiting.count) revisions behind; watch again with from_revision "
                + "\(next.revision)")
        rejection.details = ["resume_revision": "\(next.revision)"]
        return rejection.status
    }
}
