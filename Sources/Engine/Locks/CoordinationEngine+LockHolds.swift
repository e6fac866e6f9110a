import Coordination
import Store

/// Locks: what is held, until it ends.
extension CoordinationEngine {
    mutating func releaseLocks(
        _ namespace: Namespace, _ serial: UInt64, _ owner: String, _ ticket: ReplyTicket
    ) {
        guard let cell = locks.find(namespace) else {
            return answer(
                ticket, .locks(.released(false, stillHeld: [])), seen: locks.freedIn)
        }
        let claim = locks.cells[cell].table.acquire(serial)?.claim
        var out = LockTable.Output()
        let outcome = locks.cells[cell].table.release(
            serial, owner: owner, at: now, in: filling, into: &out)
        noteLocks(out, cell)
        switch outcome {
        case .foreign: reject(ticket, .foreignLock(serial), seen: locks.cells[cell].changedIn)
        case .notHeld:
            answer(
                ticket, .locks(.released(false, stillHeld: [])), seen: locks.cells[cell].changedIn)
        case .done:
            let left = claim.map { locks.cells[cell].table.holds(of: $0) } ?? []
            answer(ticket, .locks(.released(true, stillHeld: left)), seen: filling)
        }
    }

    mutating func renewLocks(
        _ namespace: Namespace, _ serial: UInt64, _ owner: String, _ leaseMillis: Int64?,
        _ ticket: ReplyTicket
    ) {
        guard let cell = locks.find(namespace) else {
            return reject(ticket, .lockLost(serial), seen: locks.freedIn)
        }
        let outcome = locks.cells[cell].table.renew(
            serial, owner: owner, leaseMillis: leaseMillis, at: now)
        guard outcome == .done, let held = locks.cells[cell].table.acquire(serial) else {
            let refusal: Rejection =
                outcome == .foreign ? .foreignLock(serial) : .lockLost(serial)
            return reject(ticket, refusal, seen: locks.cells[cell].changedIn)
        }
        // An earlier end may have been the next one.
        armLocks(cell)
        let renewed = LockAnswer.renewed(
            leaseMillis: held.leaseMillis,
            expiresMillis: now.wallMillis(atNanos: held.endsNanos))
        answer(ticket, .locks(renewed), seen: held.changedIn)
        for follower in locks.cells[cell].followers[serial] ?? [] {
            answer(follower, .locks(renewed), seen: held.changedIn)
        }
    }

    mutating func breakLock(_ order: BreakLock, _ ticket: ReplyTicket) {
        let key = RequestLog.Key(
            namespace: order.namespace, method: "BreakLock",
            requestID: order.signature.requestID)
        var hash = StableHash()
        hash.combine(order.resource)
        hash.combine(order.acquire ?? 0)
        hash.combine(order.signature.reason)
        if case .known(let bytes, let seen) = rememberedAnswer(key, hash: hash.value) {
            let count = (try? LockAnswers.decode(bytes)) ?? 0
            return answer(ticket, .locks(.broken(Int(count))), seen: seen)
        }
        if isAnswered(key, hash.value, ticket) { return }
        guard let cell = locks.find(order.namespace) else {
            return reject(ticket, .lockNotHeld(order.resource), seen: locks.freedIn)
        }
        let before = locks.cells[cell].table.view(order.resource, limit: 10)
        var out = LockTable.Output()
        let count = locks.cells[cell].table.breakLock(
            order.resource, only: order.acquire, at: now, in: filling, into: &out)
        noteLocks(out, cell, reason: order.signature.reason)
        if count == 0 {
            return reject(
                ticket, .lockNotHeld(order.resource), seen: locks.cells[cell].changedIn)
        }
        let owners = before.holders.map(\.acquire.claim.owner).joined(separator: ", ")
        audit(
            namespace: order.namespace, actor: order.signature.actor, action: "BreakLock",
            subject: "lock/\(order.resource)", before: "held by \(owners)",
            after: order.signature.audited("\(count) broken"),
            requestID: order.signature.requestID)
        remember(key, hash: hash.value, answer: LockAnswers.encode(UInt64(count)))
        answer(ticket, .locks(.broken(count)), seen: filling)
    }

    // MARK: Looking

    mutating func getLock(_ namespace: Namespace, _ resource: String, _ ticket: ReplyTicket) {
        guard let cell = locks.find(namespace) else {
            let free = LockTable(base: 0).view(resource, limit: 0)
            return answer(
                ticket, .locks(.lock(free, expiresMillis: [])), seen: locks.freedIn)
        }
        let view = locks.cells[cell].table.view(resource, limit: 1_000)
        answer(
            ticket, .locks(.lock(view, expiresMillis: expiries(view))),
            seen: locks.cells[cell].table.changedIn(resource))
    }

    mutating func listLocks(
        _ namespace: Namespace, _ prefix: String, _ owner: String, _ after: String?,
        _ limit: Int, _ ticket: ReplyTicket
    ) {
        guard let cell = locks.find(namespace) else {
            return answer(
                ticket, .locks(.locks([], expiresMillis: [], more: false)), seen: locks.freedIn)
        }
        let names = locks.cells[cell].table.names(
            prefix: prefix, owner: owner, after: after, limit: limit + 1)
        let views = names.prefix(limit).map { locks.cells[cell].table.view($0, limit: 10) }
        answer(
            ticket,
            .locks(
                .locks(
                    views, expiresMillis: views.map { expiries($0) }, more: names.count > limit)),
            seen: locks.cells[cell].changedIn)
    }

    private mutating func expiries(_ view: LockView) -> [Int64] {
        view.holders.map { now.wallMillis(atNanos: $0.acquire.endsNanos) }
    }

    /// Whether a lock is held under a token, and the newest batch that changed that.
    mutating func lockHold(
        _ fence: LockFence, _ namespace: Namespace
    ) -> (isHeld: Bool, changedIn: BatchNumber) {
        guard let cell = locks.find(namespace) else { return (false, locks.freedIn) }
        return locks.cells[cell].table.hold(fence.resource, token: fence.token)
    }

    // MARK: Ends

    /// Sets the timer for what ends next.
    mutating func armLocks(_ cell: Int) {
        let due = locks.cells[cell].isDue ? nil : locks.cells[cell].nextDeadlineNanos
        let timer = locks.cells[cell].timer
        switch (due, timer >= 0) {
        case (let due?, true): timers.update(timer, key: due)
        case (let due?, false):
            locks.cells[cell].timer = timers.insert(.locks(Int32(cell)), key: due)
        case (nil, true):
            timers.remove(timer)
            locks.cells[cell].timer = -1
        case (nil, false): break
        }
    }

    mutating func lockTimeCame(_ cell: Int32) {
        locks.cells[Int(cell)].timer = -1
        locks.cells[Int(cell)].isDue = true
        locks.due.append(cell)
    }

    /// Ends leases and waits that are over, as far as the filling batch has room.
    mutating func takeDueLocks() {
        while let number = locks.due.last {
            guard hasRoomForDue(draft.due.locks) else { return locks.due.rotate() }
            if endedNextLock(Int(number)) {
                draft.commands += 1
                draft.due.locks += 1
            } else {
                locks.due.removeLast()
                locks.cells[Int(number)].isDue = false
                armLocks(Int(number))
            }
        }
    }

    /// Ends what is over first in a namespace; whether there was something.
    private mutating func endedNextLock(_ cell: Int) -> Bool {
        if refusedAsker(cell) { return true }
        var out = LockTable.Output()
        let isOver = locks.cells[cell].table.expireNext(at: now, in: filling, into: &out)
        if isOver { noteLocks(out, cell) }
        return isOver
    }

    // MARK: Taking up

    /// An acquire that the store holds.
    mutating func restoreLock(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        guard let serial = LockName.serial(entity.key) else {
            throw CodecError("a lock that is called \(entity.key)", at: 0)
        }
        let namespace = Namespace(entity.namespace)
        let cell = locks.find(namespace) ?? insertLocks(namespace)
        locks.cells[cell].table.restore(try LockCodec.decode(blob, serial: serial))
        locks.isRestored = true
    }

    /// Gives the leases of an earlier process their full time, now that the time is known.
    mutating func takeUpRestoredLocks() {
        if !locks.isRestored { return }
        locks.isRestored = false
        for cell in locks.cells.indices {
            locks.cells[cell].table.beginLeases(at: now)
            locks.count(cell)
            armLocks(cell)
        }
    }
}
