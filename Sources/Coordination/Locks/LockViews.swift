/// A resource as people look at it.
public struct LockView: Sendable, Hashable {
    /// One acquire that holds it.
    public struct Holder: Sendable, Hashable {
        /// The acquire, how it holds this resource, and under which token.
        public var acquire: LockAcquire
        public var mode: LockMode
        public var token: UInt64
    }

    /// One that waits for it.
    public struct Waiter: Sendable, Hashable {
        /// Who waits, how it wants it, and since when (wall clock).
        public var owner: String
        public var mode: LockMode
        public var sinceMillis: Int64
        /// Wall clock; 0: for ever.
        public var untilMillis: Int64
        public var purpose: String
    }

    /// Its name.
    public var resource: String
    /// The oldest acquire first.
    public var holders: [Holder] = []
    public var holderCount = 0
    /// The next first.
    public var waiters: [Waiter] = []
    public var waiterCount = 0
}

extension LockTable {
    /// A resource as it stands, with at most so many holders and waiters.
    public func view(_ name: String, limit: Int) -> LockView {
        var view = LockView(resource: name)
        guard let resource = resources[ExactName(name)] else { return view }
        view.holderCount = resource.holderCount
        view.waiterCount = resource.queue.count
        var serials: [(serial: UInt64, mode: LockMode, token: UInt64)] = []
        for hold in resource.holds.values {
            for part in hold.acquires { serials.append((part.serial, part.mode, part.token)) }
        }
        for (serial, mode, token) in serials.sorted(by: { $0.serial < $1.serial }).prefix(limit) {
            guard let acquire = acquire(serial) else { continue }
            view.holders.append(LockView.Holder(acquire: acquire, mode: mode, token: token))
        }
        for entry in resource.queue.prefix(limit) {
            guard let waiter = waiters[entry.waiter] else { continue }
            view.waiters.append(
                LockView.Waiter(
                    owner: entry.owner.text, mode: entry.mode, sinceMillis: waiter.sinceMillis,
                    untilMillis: waiter.untilMillis, purpose: waiter.claim.purpose))
        }
        return view
    }

    /// Names of resources that somebody holds or waits for, ascending by their bytes.
    ///
    /// - Parameters:
    ///   - owner: only what this owner holds or waits for; empty: all.
    ///   - after: behind this name; `nil`: from the first.
    public func names(
        prefix: String, owner: String, after: String?, limit: Int
    ) -> [String] {
        let wanted = ExactName(owner)
        let fitting = resources.lazy.filter { name, resource in
            name.text.utf8.starts(with: prefix.utf8)
                && (after.map { $0.utf8.lexicographicallyPrecedes(name.text.utf8) } ?? true)
                && (owner.isEmpty || resource.isOf(wanted))
        }.map(\.key.text)
        return Array(
            fitting.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.prefix(limit))
    }
}

extension LockTable.Resource {
    fileprivate func isOf(_ owner: ExactName) -> Bool {
        holds[owner] != nil || queue.contains { $0.owner == owner }
    }
}
