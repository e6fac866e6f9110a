import Coordination

@testable import Engine

/// Somebody who takes locks, holds them for a while and gives them back.
struct LockOwner {
    enum Call {
        case acquire(LockClaim, sentNanos: Int64, isStream: Bool)
        case renew(UInt64, sentNanos: Int64)
        case release(UInt64)
    }

    let name: String
    /// What has no last word yet; streams stay after their grant.
    var calls: [UInt64: Call] = [:]
    /// What it believes to hold, and until when at least: from when it asked.
    var grants: [LockAcquire] = []
    var believesUntil: [UInt64: Int64] = [:]
    /// Something it held once.
    var lost: LockAcquire?
    var streams: [UInt64: UInt64] = [:]

    init(name: String) { self.name = name }

    /// Whether an acquire has no answer.
    var isWaiting: Bool {
        calls.contains { call, kind in
            if case .acquire = kind { streams[call] == nil } else { false }
        }
    }

    /// The server is gone; what was granted is held until its time is over.
    mutating func processDied() {
        calls = [:]
        streams = [:]
    }

    mutating func drop(_ serial: UInt64) {
        if let known = grants.first(where: { $0.serial == serial }) { lost = known }
        grants.removeAll { $0.serial == serial }
        believesUntil[serial] = nil
    }
}

extension SharingWorld {
    mutating func ownerActs() {
        let index = random.int(0...(owners.count - 1))
        for (serial, end) in owners[index].believesUntil where end < now.monotonicNanos {
            owners[index].drop(serial)
        }
        let held = owners[index].grants.randomElement(using: &random)
        switch (held, random.int(0...3)) {
        case (let held?, 0) where !isHealing: renew(held, index)
        case (let held?, 0...2): release(held, index)
        case (let held?, _) where random.chance(0.1) && !isHealing: breakLock(held)
        default: if !isHealing, !owners[index].isWaiting { acquire(index) }
        }
    }

    private mutating func acquire(_ index: Int) {
        var wishes: [LockWish] = []
        for resource in Self.resources where random.chance(0.4) {
            wishes.append(LockWish(resource, random.chance(0.6) ? .exclusive : .shared))
        }
        if wishes.isEmpty { wishes = [LockWish("a", .exclusive)] }
        let claim = LockClaim(
            wishes: wishes, owner: owners[index].name, leaseMillis: Int64(random.int(100...1_500)))
        let wait: LockWait =
            random.chance(0.3)
            ? .not : .until(nanos: now.monotonicNanos + Int64(random.int(1...1_000)) * 1_000_000)
        let isStream = random.chance(0.4)
        let order = AcquireLocks(
            namespace: .default, claim: claim, wait: wait, isStream: isStream,
            requestID: random.chance(0.5) ? "l\(calls)" : "")
        let call = send { .locks(.acquire(order), $0) }
        owners[index].calls[call] = .acquire(
            claim, sentNanos: now.monotonicNanos, isStream: isStream)
    }

    private mutating func renew(_ held: LockAcquire, _ index: Int) {
        let name = owners[index].name
        let call = send {
            .locks(.renew(.default, acquire: held.serial, owner: name, leaseMillis: nil), $0)
        }
        owners[index].calls[call] = .renew(held.serial, sentNanos: now.monotonicNanos)
    }

    private mutating func release(_ held: LockAcquire, _ index: Int) {
        let name = owners[index].name
        let call = send { .locks(.release(.default, acquire: held.serial, owner: name), $0) }
        owners[index].calls[call] = .release(held.serial)
        owners[index].drop(held.serial)
    }

    /// An operator takes it away; the owner is told, and stops.
    private mutating func breakLock(_ held: LockAcquire) {
        guard let wish = held.claim.wishes.first else { return }
        let order = BreakLock(
            namespace: .default, resource: wish.resource, acquire: held.serial,
            signature: Signature(actor: "operator", reason: "stuck"))
        _ = send { .locks(.breakLock(order), $0) }
        for index in owners.indices { owners[index].drop(held.serial) }
    }

    /// A caller leaves: a waiter leaves the line, a watcher stops, a write goes on.
    mutating func leave() {
        let index = random.int(0...(owners.count - 1))
        guard let call = owners[index].calls.keys.min() else { return }
        abandon(call)
        owners[index].calls[call] = nil
        owners[index].streams[call] = nil
    }

    // MARK: Answers

    mutating func ownerTold(_ index: Int, _ call: UInt64, _ answer: Answer) {
        guard let kind = owners[index].calls[call] else { return }
        switch (kind, answer) {
        case (.acquire(let claim, let sent, let isStream), .locks(.granted(let view))):
            granted(view.acquire, claim, sent, index)
            if isStream {
                owners[index].streams[call] = view.acquire.serial
            } else {
                owners[index].calls[call] = nil
            }
            return
        case (.acquire(_, _, true), .locks(.queued)), (.acquire(_, _, true), .locks(.renewed)):
            return
        case (.acquire(_, _, true), .locks(.lost)):
            if let serial = owners[index].streams.removeValue(forKey: call) {
                if store.held[serial] != nil { problems.append("\(serial) is lost, and held") }
                owners[index].drop(serial)
            }
        case (.renew(let serial, let sent), .locks(.renewed(let lease, _))):
            if owners[index].believesUntil[serial] != nil {
                owners[index].believesUntil[serial] = sent + lease * 1_000_000
            }
        case (.renew(let serial, _), .rejected): owners[index].drop(serial)
        case (.release(let serial), .locks(.released)):
            if store.held[serial] != nil { problems.append("\(serial) was released, and is held") }
        case (.acquire, .rejected), (.release, .rejected): break
        default: problems.append("an owner was told something else: \(answer)")
        }
        owners[index].calls[call] = nil
    }

    private mutating func granted(
        _ acquire: LockAcquire, _ claim: LockClaim, _ sent: Int64, _ index: Int
    ) {
        if acquire.claim.wishes != claim.wishes || acquire.claim.owner != claim.owner {
            problems.append("\(claim.owner) got what it did not ask for")
        }
        if !store.everHeld.contains(acquire.serial) {
            problems.append("\(acquire.serial) was told before it was on disk")
        }
        // Whoever asks counts from when it asked: a grant may come when it is over already.
        let end = sent + claim.leaseMillis * 1_000_000
        for other in owners where other.name != claim.owner && end > now.monotonicNanos {
            for held in other.grants
            where other.believesUntil[held.serial, default: 0] > now.monotonicNanos {
                checkApart(acquire, held)
            }
        }
        owners[index].grants.append(acquire)
        owners[index].believesUntil[acquire.serial] = end
    }

    /// Two who hold a lock at once, by their own clocks, must be able to share it.
    private mutating func checkApart(_ one: LockAcquire, _ other: LockAcquire) {
        for wish in one.claim.wishes {
            for second in other.claim.wishes
            where wish.resource == second.resource
                && (wish.mode == .exclusive || second.mode == .exclusive)
            {
                problems.append(
                    "\(one.claim.owner) got \(wish.resource), which \(other.claim.owner) holds")
            }
        }
    }
}
