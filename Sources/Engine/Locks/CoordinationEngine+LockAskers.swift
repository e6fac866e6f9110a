import Coordination

/// Several calls that ask for one acquire: repeats of its request, each with a wait of its own.
extension CoordinationEngine {
    /// Repeats of one request that may wait.
    private static let maxAskers = 16

    /// A repeat of a request that waits.
    mutating func join(
        _ waiter: UInt64, _ acquire: AcquireLocks, _ ticket: ReplyTicket, _ cell: Int
    ) {
        guard let waiting = locks.cells[cell].waiting[waiter],
            waiting.contentHash == acquire.contentHash,
            let place = locks.cells[cell].table.place(of: waiter)
        else { return reject(ticket, .requestReused) }
        guard let end = acquire.wait.endNanos else {
            return reject(
                ticket, .lockBusy(place, acquire.claim), seen: locks.cells[cell].changedIn)
        }
        guard waiting.askers.count < Self.maxAskers else {
            return reject(ticket, .tooManyWatching("this acquire", Self.maxAskers))
        }
        var asker = LockAsker(ticket: ticket, isStream: acquire.isStream, endsNanos: end)
        let last = locks.cells[cell].table.endNanos(of: waiter)
        if end > last { outlive(waiter, cell, untilNanos: end) }
        if end < last { asker.timer = endEarly(ticket, waiter, cell, atNanos: end) }
        follow(waiter, asker, cell)
        armLocks(cell)
    }

    /// A waiter waits longer than its askers so far.
    private mutating func outlive(_ waiter: UInt64, _ cell: Int, untilNanos end: Int64) {
        for (index, asker) in (locks.cells[cell].waiting[waiter]?.askers ?? []).enumerated()
        where asker.timer < 0 {
            let timer = endEarly(asker.ticket, waiter, cell, atNanos: asker.endsNanos)
            locks.cells[cell].waiting[waiter]?.askers[index].timer = timer
        }
        locks.cells[cell].table.prolong(waiter, untilNanos: end, at: now)
    }

    private mutating func endEarly(
        _ ticket: ReplyTicket, _ waiter: UInt64, _ cell: Int, atNanos end: Int64
    ) -> Int32 {
        locks.cells[cell].earlyEnds.insert(LockEarlyEnd(waiter: waiter, ticket: ticket), key: end)
    }

    /// Refuses the next asker whose wait is over while others of its request wait on; whether there
    /// was one.
    mutating func refusedAsker(_ cell: Int) -> Bool {
        guard let due = locks.cells[cell].earlyEnds.smallestKey, due <= now.monotonicNanos,
            let end = locks.cells[cell].earlyEnds.first,
            let place = locks.cells[cell].table.place(of: end.waiter)
        else { return false }
        draft.effects.notices.append(.locks(.timedOut))
        open.remove(end.ticket)
        reject(end.ticket, .lockBusy(place, nil), seen: locks.cells[cell].changedIn)
        remove(asker: end.ticket, of: end.waiter, cell)
        return true
    }

    /// An asker is gone, and is told so.
    mutating func stopAwaitingLock(_ ticket: ReplyTicket, _ cell: Int, _ waiter: UInt64) {
        reject(ticket, .abandoned)
        remove(asker: ticket, of: waiter, cell)
    }

    /// Takes one asker out. When it was the last one, its waiter leaves the line.
    private mutating func remove(asker ticket: ReplyTicket, of waiter: UInt64, _ cell: Int) {
        guard let askers = locks.cells[cell].waiting[waiter]?.askers,
            let index = askers.firstIndex(where: { $0.ticket == ticket })
        else { return }
        if askers.count > 1 {
            locks.cells[cell].waiting[waiter]?.askers.remove(at: index)
            forget(askers[index], cell)
            return armLocks(cell)
        }
        _ = removeWaiting(waiter, cell)
        var out = LockTable.Output()
        locks.cells[cell].table.leave(waiter, at: now, in: filling, into: &out)
        noteLocks(out, cell)
    }

    /// Takes back what an asker is noted for elsewhere.
    mutating func forget(_ asker: LockAsker, _ cell: Int) {
        if asker.isStream { locks.cells[cell].streams -= 1 }
        if asker.timer >= 0 { locks.cells[cell].earlyEnds.remove(asker.timer) }
    }
}
