/// One resource: who holds it, and who stands in line for it.
extension LockTable {
    /// What one owner has of one resource.
    struct OwnerHold: Sendable {
        /// Nearly always one, so neither a table nor an order.
        var acquires: [Part] = []
        var exclusives = 0

        /// One acquire's part in it.
        struct Part: Sendable {
            var serial: UInt64
            var mode: LockMode
            var token: UInt64
        }

        /// The greatest of its acquires.
        var token: UInt64 { acquires.reduce(0) { max($0, $1.token) } }
        var mode: LockMode { exclusives > 0 ? .exclusive : .shared }
    }

    struct Resource: Sendable {
        var holds: [ExactName: OwnerHold] = [:]
        /// Acquires of all of those.
        var holderCount = 0
        /// The owner that nobody may hold it beside.
        var exclusiveOwner: ExactName?
        /// In the order of arrival.
        var queue: [QueueEntry] = []
        /// The newest batch that changed who holds it.
        var changedIn = BatchNumber.none

        var isForgotten: Bool { holds.isEmpty && queue.isEmpty }
    }
}

extension LockTable.Resource {
    /// An owner that holds it so that another one cannot hold it in a mode.
    func holder(against mode: LockMode, _ owner: ExactName) -> ExactName? {
        if let exclusiveOwner { return exclusiveOwner == owner ? nil : exclusiveOwner }
        if mode == .shared || holds.isEmpty { return nil }
        return holds.keys.first { $0 != owner }
    }

    mutating func hold(
        _ serial: UInt64, _ owner: ExactName, _ mode: LockMode, _ token: UInt64,
        _ batch: BatchNumber
    ) {
        let part = LockTable.OwnerHold.Part(serial: serial, mode: mode, token: token)
        holds[owner, default: LockTable.OwnerHold()].add(part)
        holderCount += 1
        if mode == .exclusive { exclusiveOwner = owner }
        changedIn = max(changedIn, batch)
    }

    mutating func drop(
        _ serial: UInt64, _ owner: ExactName, _ mode: LockMode, _ batch: BatchNumber
    ) {
        changedIn = max(changedIn, batch)
        holderCount -= 1
        guard let index = holds.index(forKey: owner) else { return }
        holds.values[index].remove(serial)
        if mode == .exclusive, holds.values[index].exclusives == 0 { exclusiveOwner = nil }
        if holds.values[index].acquires.isEmpty { holds.remove(at: index) }
    }
}

extension LockTable.OwnerHold {
    /// The token of one more acquire, unless it needs a new one. Who only read and now writes does:
    /// others may have read beside it, under greater tokens, and their late words must be refused.
    func token(for mode: LockMode) -> UInt64? {
        mode == .exclusive && exclusives == 0 ? nil : token
    }

    fileprivate mutating func add(_ part: Part) {
        acquires.append(part)
        if part.mode == .exclusive { exclusives += 1 }
    }

    fileprivate mutating func remove(_ serial: UInt64) {
        guard let index = acquires.lastIndex(where: { $0.serial == serial }) else { return }
        if acquires.remove(at: index).mode == .exclusive { exclusives -= 1 }
    }
}
