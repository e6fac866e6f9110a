import Cache
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

/// A `Get` that waits for a fill of somebody else. Confined to its loop.
///
/// It ends with the value, with a lease of its own when the other's was lost, or when its time is
/// over. Leases are given to nobody who has gone: what comes for a call that has ended is given back.
final class FillWait {
    private let read: CacheRead
    private let call: UnaryCall<CacheServiceGetResponse>
    /// Read before the key was: what the answer does not show yet has a later one.
    private let position: CachePosition
    private var waiter: CacheWaiter?
    private var endTask: Scheduled<Void>?
    private var leaseTask: Scheduled<Void>?

    /// What is left of a call's deadline for the answer to reach the caller, at the most.
    private static let answerTime = TimeAmount.milliseconds(250)

    init(_ read: CacheRead, _ call: UnaryCall<CacheServiceGetResponse>) {
        self.read = read
        self.call = call
        position = CachePosition(read.space.log)
    }

    /// Looks the key up, and waits up to so long.
    func begin(waitMillis: Int64) {
        guard let terms = read.terms else { return call.respond(read.response()) }
        let waiter = CacheWaiter(terms, as: read.reader, deliver: call.hop { self.told($0) })
        let now = SystemClock.monotonicNanos()
        if let found = read.cache.get(read.key, waiting: waiter, now: now) {
            return respond(found)
        }
        self.waiter = waiter
        call.onCancel { _ in self.leave() }
        call.endAtShutdown()
        let loop = call.eventLoop.assumeIsolated()
        endTask = loop.scheduleTask(in: time(waitMillis)) { self.timeIsOver() }
        watchLease()
    }

    private func time(_ waitMillis: Int64) -> TimeAmount {
        let wait = TimeAmount.milliseconds(waitMillis)
        guard let deadline = call.deadline else { return wait }
        let left = deadline - .now()
        let answer = min(.nanoseconds(left.nanoseconds / 4), Self.answerTime)
        return max(min(wait, left - answer), .nanoseconds(0))
    }

    /// Looks at the lease when it runs out, so that it goes to who waits.
    private func watchLease() {
        guard waiter != nil else { return }
        let now = SystemClock.monotonicNanos()
        guard let end = read.cache.nudge(read.key, now: now) else { return }
        let loop = call.eventLoop.assumeIsolated()
        leaseTask = loop.scheduleTask(in: .nanoseconds(max(end - now, 0))) { self.watchLease() }
    }

    private func told(_ found: Cache.CacheLookup) {
        guard waiter != nil else { return giveBack(found) }
        waiter = nil
        stop()
        if case .miss(let lease?) = found { watch(lease) }
        respond(found)
    }

    /// A lease that was passed on may end before the one that the others watch: should it run out, the
    /// next of them has it, and is told, and so on.
    private func watch(_ lease: Cache.FillLease) {
        let (cache, key) = (read.cache, read.key)
        let wait = max(lease.expiresAt - SystemClock.monotonicNanos(), 0)
        call.eventLoop.scheduleTask(in: .nanoseconds(wait)) {
            cache.nudge(key, now: SystemClock.monotonicNanos())
        }
    }

    private func timeIsOver() {
        let now = SystemClock.monotonicNanos()
        guard let waiter, let found = read.cache.stopWaiting(read.key, waiter, now: now) else {
            return
        }
        self.waiter = nil
        stop()
        respond(found)
    }

    private func leave() {
        stop()
        guard let waiter else { return }
        self.waiter = nil
        // Served already: what comes will find nobody and is given back.
        _ = read.cache.leave(read.key, waiter)
    }

    private func giveBack(_ found: Cache.CacheLookup) {
        guard case .miss(let lease?) = found else { return }
        _ = read.cache.abandon(
            read.key, lease: lease.token, now: SystemClock.monotonicNanos())
    }

    private func stop() {
        endTask?.cancel()
        leaseTask?.cancel()
        endTask = nil
        leaseTask = nil
    }

    private func respond(_ found: Cache.CacheLookup) {
        call.respond(
            CacheServiceGetResponse(
                lookup: Messages.CacheLookup(found, now: SystemClock.monotonicNanos()),
                position: position))
    }
}
