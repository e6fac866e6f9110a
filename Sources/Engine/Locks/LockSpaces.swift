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
    /// Whether it stands in ``LockSpaces/emptied``.
    var isEmptied = false

    /// Whether nobody holds or waits for anything.
    var isEmpty: Bool { table.heldCount == 0 && table.waiterCount == 0 }
    /// Whether a later part of the turn comes back to it.
    var isAwaited: Bool { isDue || timer >= 0 || !touched.isEmpty }

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
    /// Namespaces that had no locks any more when they were looked at.
    private var emptied: [Int32] = []
    /// Places that no namespace has.
    private var free: [Int32] = []
    /// Of the namespaces that are forgotten: the newest batch that changed one, which whoever finds
    /// nothing has seen, and the greatest serial, which none may give again.
    private(set) var freedIn = BatchNumber.none
    private var lastSerial: UInt64 = 0

    /// A place for the locks of a namespace that has none.
    ///
    /// - Parameter base: above every serial of earlier epochs.
    mutating func insert(_ namespace: Namespace, base: UInt64, _ limits: LockLimits) -> Int {
        let table = LockTable(base: max(base, lastSerial), limits: limits, freedIn: freedIn)
        var cell = LockCell(namespace: namespace, table: table)
        cell.changedIn = freedIn
        let number = free.popLast() ?? Int32(cells.count)
        if Int(number) == cells.count { cells.append(cell) } else { cells[Int(number)] = cell }
        index[namespace] = number
        return Int(number)
    }

    /// Has a namespace forgotten if it has no locks any more when another one needs the place.
    mutating func noteIfEmpty(_ cell: Int) {
        guard cells[cell].isEmpty, !cells[cell].isEmptied else { return }
        cells[cell].isEmptied = true
        emptied.append(Int32(cell))
    }

    /// Forgets the namespaces that have no locks.
    mutating func forgetEmpty() {
        let noted = emptied
        emptied = []
        for number in noted {
            let cell = Int(number)
            cells[cell].isEmptied = false
            if !cells[cell].isEmpty { continue }
            if cells[cell].isAwaited { noteIfEmpty(cell) } else { forget(cell) }
        }
    }

    private mutating func forget(_ cell: Int) {
        freedIn = max(freedIn, cells[cell].changedIn)
        lastSerial = max(lastSerial, cells[cell].table.lastSerial)
        index[cells[cell].namespace] = nil
        cells[cell] = LockCell(namespace: Namespace(""), table: LockTable(base: 0))
        free.append(Int32(cell))
    }

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
