import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

/// One stream of an acquire: where it stands in line, that it is granted, that its lease is about to
/// end, and that it is lost. Confined to its loop.
final class LockStream {
    private let link: EngineLink
    private let call: ServerStreamCall<AcquireStreamResponse>
    private let warnMillis: Int64
    private var ticket: ReplyTicket?
    /// The newest place, while the reader does not take it.
    private var queued: LockQueued?
    private var waiting: [AcquireStreamResponse] = []
    private var isOver = false
    private var warning: Scheduled<Void>?

    /// Messages besides places that may wait for a slow reader.
    private static let maxWaiting = 100

    init(
        link: EngineLink, call: ServerStreamCall<AcquireStreamResponse>, warnMillis: Int64
    ) {
        self.link = link
        self.call = call
        self.warnMillis = warnMillis
    }

    /// Asks, and follows what becomes of it.
    func begin(_ acquire: AcquireLocks) {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        ticket = link.follow({ .locks(.acquire(acquire), $0) }) { self.take($0) }
    }

    private func take(_ answer: Answer) {
        guard case .locks(let own) = answer else { return end(answer.refusal) }
        switch own {
        case .queued(let place):
            queued = LockQueued(
                position: Int32(clamping: place.position), resource: place.resource,
                holder: place.holder)
        case .granted(let view):
            queued = nil
            waiting.append(AcquireStreamResponse(event: .granted(LockGrant(view))))
            arm(view.acquire.leaseMillis, expires: view.expiresMillis)
        case .renewed(let lease, let expires): arm(lease, expires: expires)
        case .lost(let end, let reason):
            warning?.cancel()
            waiting.append(
                AcquireStreamResponse(
                    event: .lost(
                        LockLost(
                            end: Messages.LockEnd(rawValue: Int32(end.rawValue)), reason: reason))))
            isOver = true
        default: return end(answer.refusal)
        }
        proceed()
    }

    /// Warns when the lease is about to end, unless it is renewed before. It may have begun long ago:
    /// the stream goes on with what an earlier one was granted.
    private func arm(_ lease: Int64, expires: Int64) {
        warning?.cancel()
        let (delay, ahead) = Self.warning(
            lease: lease, left: expires - SystemClock.wallMillis(), wished: warnMillis)
        let message = AcquireStreamResponse(
            event: .expiring(
                LockExpiring(remainingMillis: ahead, expiresUnixMillis: expires)))
        warning = call.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(delay)) {
            self.waiting.append(message)
            self.proceed()
        }
    }

    /// In how many milliseconds to warn, and how much of the lease is left by then.
    static func warning(
        lease: Int64, left: Int64, wished: Int64
    ) -> (delay: Int64, ahead: Int64) {
        let left = min(lease, max(0, left))
        let ahead = min(wished > 0 ? wished : lease / 3, left)
        return (left - ahead, ahead)
    }

    private func proceed() {
        guard call.isOpen else { return }
        if let place = queued, call.isWritable {
            call.send(AcquireStreamResponse(event: .queued(place)))
            queued = nil
        }
        var sent = 0
        while sent < waiting.count, call.isWritable {
            call.send(waiting[sent])
            sent += 1
        }
        waiting.removeFirst(sent)
        if isOver, waiting.isEmpty {
            if let ticket { link.drop(ticket) }
            ticket = nil
            return call.finish()
        }
        if waiting.count > Self.maxWaiting { end(Self.tooSlow) }
    }

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
        warning?.cancel()
        waiting = []
        queued = nil
    }

    private static let tooSlow = Rejection(
        .overloaded, reason: "SLOW_READER",
        "this stream is not read; acquire again with the same request_id to go on with it"
    ).status
}
