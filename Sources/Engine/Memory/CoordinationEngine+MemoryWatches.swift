import Coordination
import Store

/// Shared memory: watching, and entries that end by themselves.
extension CoordinationEngine {
    /// Begins to follow at the newest revision; what is older is in the store when the answer leaves.
    mutating func watchMemory(
        _ namespace: Namespace, _ scope: MemoryScope, from: Int64, _ ticket: ReplyTicket
    ) {
        if memory.watchers >= limits.maxMemoryWatchers {
            return reject(ticket, .tooManyWatching("shared memory", limits.maxMemoryWatchers))
        }
        guard let cell = requireMemory(namespace) else {
            return reject(ticket, .tooManyMemoryNamespaces(limits.maxMemoryNamespaces))
        }
        let line = memory.cells[cell].space.line
        let oldest = memory.cells[cell].space.window.oldest
        if from > line.revision + 1 {
            return reject(ticket, .futureRevision(from, line.revision), seen: line.changedIn)
        }
        if from > 0, from < oldest {
            return reject(ticket, .compacted(from, oldest: oldest), seen: line.changedIn)
        }
        memory.cells[cell].watchers.insert(ticket, scope)
        memory.watchers += 1
        open.insert(.watchingMemory(Int32(cell)), for: ticket)
        answer(
            ticket, .memory(.watching(revision: line.revision, oldest: oldest)),
            seen: line.changedIn)
    }

    mutating func stopWatchingMemory(_ ticket: ReplyTicket, _ cell: Int32) {
        memory.cells[Int(cell)].watchers.remove(ticket)
        memory.watchers -= 1
        memory.noteIfUnused(Int(cell))
    }

    /// Tells each watcher once of all that it watches of a revision, when that is on disk.
    mutating func tellMemoryWatchers(_ changes: [MemoryChange], _ cell: Int) {
        if memory.cells[cell].watchers.isEmpty { return }
        if changes.count == 1 {
            for watcher in memory.cells[cell].watchers.watching(changes[0].entry.key) {
                draft.effects.events.append(Reply(watcher, .memory(.changes(changes))))
            }
            return
        }
        var told: [ReplyTicket: [MemoryChange]] = [:]
        for change in changes {
            for watcher in memory.cells[cell].watchers.watching(change.entry.key) {
                told[watcher, default: []].append(change)
            }
        }
        for (watcher, own) in told {
            draft.effects.events.append(Reply(watcher, .memory(.changes(own))))
        }
    }

    // MARK: Expiry

    /// Sets the timer for the entry that ends next.
    mutating func armMemory(_ cell: Int) {
        let due = memory.cells[cell].isDue ? nil : memory.cells[cell].space.nextExpiryNanos
        let timer = memory.cells[cell].timer
        switch (due, timer >= 0) {
        case (let due?, true): timers.update(timer, key: due)
        case (let due?, false):
            memory.cells[cell].timer = timers.insert(.memory(Int32(cell)), key: due)
        case (nil, true):
            timers.remove(timer)
            memory.cells[cell].timer = -1
        case (nil, false): break
        }
    }

    mutating func memoryTimeCame(_ cell: Int32) {
        memory.cells[Int(cell)].timer = -1
        memory.cells[Int(cell)].isDue = true
        memory.due.append(cell)
    }

    /// Deletes what has ended, as far as the filling batch has room.
    mutating func takeDueMemory() {
        while let number = memory.due.last {
            guard hasRoomForDue(draft.due.memory) else { return memory.due.rotate() }
            let cell = Int(number)
            let moment = moment
            if let outcome = memory.change(cell, { $0.expireNext(at: moment) }) {
                draft.commands += 1
                draft.due.memory += 1
                draft.effects.notices.append(.memory(.expired))
                noteMemory(outcome, cell)
            } else {
                memory.due.removeLast()
                memory.cells[cell].isDue = false
                armMemory(cell)
            }
        }
    }
}
