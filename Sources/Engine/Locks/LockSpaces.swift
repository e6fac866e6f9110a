import Coordination
import Store

/// Somebody who waits for a lock.
struct LockAsker: Sendable {
    var ticket: ReplyTicket
    var isStream: Bool
    /// When it gives up, by the monotonic clock; `.max`: never.
    var endsNanos: Int64
    /// Handle in ``LockCell/earlyEnds``; -1: it gives up together with the request.
    var timer: Int32 = -1
    /// What it was told last.
    var place: LockPlace?
}

/// An asker that gives up while others of its request wait on.
struct LockEarlyEnd: Sendable {
    var waiter: UInt64
    var ticket: ReplyTicket
}

/// A request that waits.
struct LockWaiting: Sendable {
    /// Several when a request was repeated. It waits as long as the most patient one.
    var askers: [LockAsker]
    /// Empty: none.
    var requestID: String
    var contentHash: UInt64
    var sinceNanos: Int64
}

/// The locks of one namespace, with what is not stored of them.
struct LockCell: Sendable {
    var namespace: Namespace
    var table: LockTable
    var waiting: [UInt64: LockWaiting] = [:]
    /// Askers that give up before the request that they ask for.
    var earlyEnds = IndexedHeap<LockEarlyEnd>()
    /// Which waiter belongs to a request id.
    var requests: [String: UInt64] = [:]
    /// Streams of what is held.
    var followers: [UInt64: [ReplyTicket]] = [:]
    /// Handle of the timer of what ends next; -1: none.
    var timer: Int32 = -1
    var isDue = false
    /// Waiting askers that are streams, and the resources whose lines they must hear of.
    var streams = 0
    var touched: Set<ExactName> = []
    /// The newest batch that changed anything.
    var changedIn = BatchNumber.none
    /// What of it is in ``LockSpaces/gauges``.
    var counted = LockGauges()

    /// When something ends by itself, by the monotonic clock.
    var nextDeadlineNanos: Int64? {
        let next = min(table.nextDeadlineNanos ?? .max, earlyEnds.smallestKey ?? .max)
        return next == .max ? nil : next
    }
}

/// Locks of the shard.
struct LockSpaces: Sendable {
    var cells: [LockCell] = []
    var index: [Namespace: Int32] = [:]
    /// Namespaces in which something may have ended.
    var due: [Int32] = []
    /// Namespaces whose streams must hear of a line.
    var restless: [Int32] = []
    /// What there is in all namespaces, and what the metrics were told of it.
    var gauges = LockGauges()
    var noted = LockGauges()
    /// Whether leases of an earlier process are to begin anew.
    var isRestored = false

    /// Keeps the sums right after a change.
    mutating func count(_ cell: Int) {
        let held = cells[cell].table.heldCount
        let waiting = cells[cell].table.waiterCount
        gauges.held += held - cells[cell].counted.held
        gauges.waiting += waiting - cells[cell].counted.waiting
        cells[cell].counted.held = held
        cells[cell].counted.waiting = waiting
    }

    /// Where a namespace stands, if it has any.
    func find(_ namespace: Namespace) -> Int? { index[namespace].map(Int.init) }
}
