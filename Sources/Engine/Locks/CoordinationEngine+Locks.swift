import Coordination
import Store

/// Locks: acquiring and what follows from it.
extension CoordinationEngine {
    mutating func decide(_ command: LockCommand, _ ticket: ReplyTicket) {
        switch command {
        case .acquire(let acquire): acquireLocks(acquire, ticket)
        case .release(let namespace, let acquire, let owner):
            releaseLocks(namespace, acquire, owner, ticket)
        case .breakLock(let order): breakLock(order, ticket)
        case .renew(let namespace, let acquire, let owner, let lease):
            renewLocks(namespace, acquire, owner, lease, ticket)
        case .get(let namespace, let resource): getLock(namespace, resource, ticket)
        case .list(let namespace, let prefix, let owner, let after, let limit):
            listLocks(namespace, prefix, owner, after, limit, ticket)
        }
    }

    // MARK: Acquiring

    private mutating func acquireLocks(_ acquire: AcquireLocks, _ ticket: ReplyTicket) {
        if isJoined(acquire, ticket) { return }
        if let refusal = refusalOfChanges { return reject(ticket, refusal) }
        guard let cell = requireLocks(acquire.namespace) else {
            return reject(ticket, .tooManyLockNamespaces(limits.maxLockNamespaces))
        }
        var out = LockTable.Output()
        let outcome = locks.cells[cell].table.acquire(
            acquire.claim, acquire.wait, at: now, in: filling, into: &out)
        switch outcome {
        case .granted(let serial):
            granted(serial, acquire, ticket, cell)
        case .waits(let waiter):
            wait(waiter, acquire, ticket, cell)
        case .busy(let place):
            reject(ticket, .lockBusy(place, acquire.claim), seen: locks.cells[cell].changedIn)
        case .cycle(let steps):
            draft.effects.notices.append(.locks(.cycleRefused))
            reject(ticket, .lockCycle(steps), seen: locks.cells[cell].changedIn)
        case .full(let bound): reject(ticket, .tooManyLocks(bound))
        }
        noteLocks(out, cell)
    }

    /// A repeat: joins what waits, or gets what was granted.
    private mutating func isJoined(_ acquire: AcquireLocks, _ ticket: ReplyTicket) -> Bool {
        if acquire.requestID.isEmpty { return false }
        if let cell = locks.find(acquire.namespace),
            let waiter = locks.cells[cell].requests[acquire.requestID]
        {
            join(waiter, acquire, ticket, cell)
            return true
        }
        switch rememberedAnswer(lockRequest(acquire), hash: acquire.contentHash) {
        case .new: return false
        case .reused(let seen): reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            do throws(CodecError) {
                answerAgain(try LockAnswers.decode(bytes), acquire, ticket, seen: seen)
            } catch {
                reject(ticket, .unreadableAnswer(error))
            }
        }
        return true
    }

    private mutating func answerAgain(
        _ serial: UInt64, _ acquire: AcquireLocks, _ ticket: ReplyTicket, seen: BatchNumber
    ) {
        guard let cell = locks.find(acquire.namespace),
            let held = locks.cells[cell].table.acquire(serial)
        else {
            let cell = locks.find(acquire.namespace)
            let changedIn = cell.map { locks.cells[$0].changedIn } ?? locks.freedIn
            return reject(ticket, .lockLost(serial), seen: max(seen, changedIn))
        }
        if acquire.isStream { follow(held: serial, ticket, cell) }
        answer(ticket, .locks(.granted(grantView(held, cell))), seen: max(seen, held.changedIn))
    }

    private mutating func granted(
        _ serial: UInt64, _ acquire: AcquireLocks, _ ticket: ReplyTicket, _ cell: Int
    ) {
        guard let held = locks.cells[cell].table.acquire(serial) else { return }
        store(held, cell)
        remember(
            lockRequest(acquire), hash: acquire.contentHash, answer: LockAnswers.encode(serial))
        if acquire.isStream { follow(held: serial, ticket, cell) }
        draft.effects.notices.append(.locks(.granted(waitedNanos: 0)))
        answer(ticket, .locks(.granted(grantView(held, cell))), seen: filling)
    }

    private mutating func wait(
        _ waiter: UInt64, _ acquire: AcquireLocks, _ ticket: ReplyTicket, _ cell: Int
    ) {
        locks.cells[cell].waiting[waiter] = LockWaiting(
            askers: [], requestID: acquire.requestID, contentHash: acquire.contentHash,
            sinceNanos: now.monotonicNanos)
        if !acquire.requestID.isEmpty {
            locks.cells[cell].requests[acquire.requestID] = waiter
        }
        follow(
            waiter,
            LockAsker(
                ticket: ticket, isStream: acquire.isStream,
                endsNanos: acquire.wait.endNanos ?? .max), cell)
        armLocks(cell)
    }

    /// An asker waits; a stream is told where.
    mutating func follow(_ waiter: UInt64, _ asker: LockAsker, _ cell: Int) {
        var asker = asker
        open.insert(.awaitingLock(Int32(cell), waiter), for: asker.ticket)
        if asker.isStream, let place = locks.cells[cell].table.place(of: waiter) {
            asker.place = place
            locks.cells[cell].streams += 1
            tell(asker.ticket, .queued(place), seen: locks.cells[cell].changedIn)
        }
        locks.cells[cell].waiting[waiter]?.askers.append(asker)
    }

    private mutating func follow(held serial: UInt64, _ ticket: ReplyTicket, _ cell: Int) {
        locks.cells[cell].followers[serial, default: []].append(ticket)
        open.insert(.followingLock(Int32(cell), serial), for: ticket)
    }

    // MARK: What follows

    /// Writes and tells what came of a change.
    mutating func noteLocks(_ out: LockTable.Output, _ cell: Int, reason: String = "") {
        for (acquire, end) in out.ended { ended(acquire, end, reason, cell) }
        for (waiter, serial) in out.granted { granted(waiter: waiter, serial, cell) }
        for (waiter, place) in out.timedOut { timedOut(waiter, place, cell) }
        if locks.cells[cell].streams > 0, !out.touched.isEmpty {
            if locks.cells[cell].touched.isEmpty { locks.restless.append(Int32(cell)) }
            locks.cells[cell].touched.formUnion(out.touched)
        }
        locks.count(cell)
        armLocks(cell)
        locks.noteIfEmpty(cell)
    }

    private mutating func store(_ acquire: LockAcquire, _ cell: Int) {
        write(acquire.serial, LockCodec.encode(acquire), cell)
    }

    /// Written once and deleted once, so nothing of the batch is looked for to be replaced.
    private mutating func write(_ serial: UInt64, _ blob: [UInt8]?, _ cell: Int) {
        draft.entities.append(
            EntityRow(
                kind: .lockAcquire, namespace: locks.cells[cell].namespace.name,
                key: LockName.text(serial), blob: blob))
        locks.cells[cell].changedIn = filling
    }

    private mutating func ended(
        _ acquire: LockAcquire, _ end: LockEnd, _ reason: String, _ cell: Int
    ) {
        write(acquire.serial, nil, cell)
        draft.effects.notices.append(.locks(.ended(end)))
        for ticket in locks.cells[cell].followers.removeValue(forKey: acquire.serial) ?? [] {
            open.remove(ticket)
            draft.effects.closings.append(Reply(ticket, .locks(.lost(end, reason: reason))))
        }
    }

    private mutating func granted(waiter: UInt64, _ serial: UInt64, _ cell: Int) {
        guard let waiting = removeWaiting(waiter, cell),
            let held = locks.cells[cell].table.acquire(serial)
        else { return }
        store(held, cell)
        let key = RequestLog.Key(
            namespace: locks.cells[cell].namespace, method: LockAnswers.method,
            requestID: waiting.requestID)
        remember(key, hash: waiting.contentHash, answer: LockAnswers.encode(serial))
        draft.effects.notices.append(
            .locks(.granted(waitedNanos: now.monotonicNanos - waiting.sinceNanos)))
        let view = grantView(held, cell)
        for asker in waiting.askers {
            if asker.isStream { follow(held: serial, asker.ticket, cell) }
            // Behind what a stream was told of its place.
            draft.effects.events.append(Reply(asker.ticket, .locks(.granted(view))))
        }
    }

    private mutating func timedOut(_ waiter: UInt64, _ place: LockPlace, _ cell: Int) {
        guard let waiting = removeWaiting(waiter, cell) else { return }
        draft.effects.notices.append(.locks(.timedOut))
        for asker in waiting.askers {
            reject(asker.ticket, .lockBusy(place, nil), seen: locks.cells[cell].changedIn)
        }
    }

    /// Takes a waiter's askers out.
    mutating func removeWaiting(_ waiter: UInt64, _ cell: Int) -> LockWaiting? {
        guard let waiting = locks.cells[cell].waiting.removeValue(forKey: waiter) else {
            return nil
        }
        if !waiting.requestID.isEmpty { locks.cells[cell].requests[waiting.requestID] = nil }
        for asker in waiting.askers {
            open.remove(asker.ticket)
            forget(asker, cell)
        }
        return waiting
    }

    mutating func stopFollowingLock(_ ticket: ReplyTicket, _ cell: Int, _ serial: UInt64) {
        locks.cells[cell].followers[serial]?.removeAll { $0 == ticket }
        if locks.cells[cell].followers[serial]?.isEmpty == true {
            locks.cells[cell].followers[serial] = nil
        }
    }

    /// Tells streams where they stand, and the metrics what there is, once a turn.
    mutating func tellLockQueues() {
        if locks.gauges != locks.noted {
            locks.noted = locks.gauges
            ready.notices.append(.locks(.gauges(locks.gauges)))
        }
        if locks.restless.isEmpty { return }
        for number in locks.restless {
            let cell = Int(number)
            let touched = locks.cells[cell].touched
            locks.cells[cell].touched = []
            for resource in touched {
                for waiter in locks.cells[cell].table.waiting(for: resource) {
                    tellPlace(waiter, cell)
                }
            }
        }
        locks.restless.removeAll(keepingCapacity: true)
    }

    private mutating func tellPlace(_ waiter: UInt64, _ cell: Int) {
        guard let askers = locks.cells[cell].waiting[waiter]?.askers,
            askers.contains(where: \.isStream),
            let place = locks.cells[cell].table.place(of: waiter)
        else { return }
        for (index, asker) in askers.enumerated() where asker.isStream && asker.place != place {
            locks.cells[cell].waiting[waiter]?.askers[index].place = place
            tell(asker.ticket, .queued(place), seen: locks.cells[cell].changedIn)
        }
    }

    /// Tells a stream something, behind all that it was told before.
    private mutating func tell(
        _ ticket: ReplyTicket, _ own: LockAnswer, seen: BatchNumber
    ) {
        let reply = Reply(ticket, .locks(own))
        if seen <= committed {
            ready.replies.append(reply)
        } else if seen == inFlight {
            inFlightEffects.events.append(reply)
        } else {
            draft.effects.events.append(reply)
        }
    }

    mutating func grantView(_ acquire: LockAcquire, _ cell: Int) -> LockGrantView {
        LockGrantView(
            acquire: acquire, holds: locks.cells[cell].table.holds(of: acquire.claim),
            expiresMillis: now.wallMillis(atNanos: acquire.endsNanos))
    }

    private mutating func lockRequest(_ acquire: AcquireLocks) -> RequestLog.Key {
        RequestLog.Key(
            namespace: acquire.namespace, method: LockAnswers.method,
            requestID: acquire.requestID)
    }

    /// The place of a namespace, which is made if it is new; `nil`: there are too many.
    private mutating func requireLocks(_ namespace: Namespace) -> Int? {
        if let known = locks.find(namespace) { return known }
        locks.forgetEmpty()
        if locks.index.count >= limits.maxLockNamespaces { return nil }
        return insertLocks(namespace)
    }

    mutating func insertLocks(_ namespace: Namespace) -> Int {
        let base = Serial(epoch: epoch, counter: 0).rawValue
        return locks.insert(namespace, base: base, limits.locks)
    }
}

/// How an acquire is named outside: 16 hexadecimal digits.
public enum LockName {
    /// The name of an acquire.
    public static func text(_ serial: UInt64) -> String {
        var digits = [UInt8](repeating: 0x30, count: 16)
        var (rest, place) = (serial, 15)
        while rest > 0 {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            digits[place] = digit < 10 ? 0x30 + digit : 0x57 + digit
            (rest, place) = (rest >> 4, place - 1)
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The acquire of a name; `nil` when it is none.
    public static func serial(_ text: String) -> UInt64? {
        text.utf8.count == 16 ? UInt64(text, radix: 16) : nil
    }
}

/// How the answer to an acquire is remembered.
enum LockAnswers {
    static let method = "AcquireLock"

    /// Format version, then the serial.
    static func encode(_ serial: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.unsigned(serial)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(CodecError) -> UInt64 {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return try reader.unsigned()
    }
}
