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
        if memory.index[namespace] == nil, memory.cells.count >= limits.maxMemoryNamespaces {
            return reject(ticket, .tooManyMemoryNamespaces(limits.maxMemoryNamespaces))
        }
        let cell =
            memory.find(namespace) ?? insertMemory(namespace, MemorySpace(limits: limits.memory))
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
        while hasRoom, let number = memory.due.last {
            let cell = Int(number)
            let moment = moment
            if let outcome = memory.change(cell, { $0.expireNext(at: moment) }) {
                draft.commands += 1
                draft.effects.notices.append(.memory(.expired))
                noteMemory(outcome, cell)
            } else {
                memory.due.removeLast()
                memory.cells[cell].isDue = false
                armMemory(cell)
            }
        }
    }

    // MARK: Taking up

    /// Where a namespace's revision line stood.
    mutating func restoreLine(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let (revision, window) = try MemoryCodec.decodeLine(blob)
        _ = insertMemory(
            Namespace(entity.namespace),
            MemorySpace(limits: limits.memory, revision: revision, window: window))
    }

    /// What a key of shared memory holds, after its namespace's line.
    public mutating func restore(_ row: MemoryRow) throws(CodecError) {
        let change = try MemoryCodec.decode(
            row.meta, key: row.key, revision: row.revision, value: row.value ?? [])
        guard let cell = memory.find(Namespace(row.namespace)) else {
            throw CodecError("a key of shared memory without its namespace's revision", at: 0)
        }
        if change.entry.expiresMillis > 0 {
            memory.restored.append(row)
        } else {
            memory.change(cell) { $0.restore(change.entry, expiresNanos: nil) }
        }
    }

    /// Takes up entries that end, now that the time is known.
    mutating func takeUpRestoredMemory() {
        if memory.restored.isEmpty { return }
        let rows = memory.restored
        memory.restored = []
        for row in rows {
            guard let cell = memory.find(Namespace(row.namespace)) else { continue }
            do throws(CodecError) {
                let change = try MemoryCodec.decode(
                    row.meta, key: row.key, revision: row.revision, value: row.value ?? [])
                let ends = monotonicNanos(atWallMillis: change.entry.expiresMillis)
                memory.change(cell) { $0.restore(change.entry, expiresNanos: ends) }
                armMemory(cell)
            } catch {
                preconditionFailure("a row was readable and is not any more: \(error)")
            }
        }
    }
}
