/// The shared memory of one namespace: its entries, its revision line, and how far back its changes
/// are kept. The store keeps the changes; this says which.
///
/// A pure machine. The batch that a change is written with comes in with it, so that whoever reads
/// knows what to wait for.
public struct MemorySpace: Sendable {
    struct Cell: Sendable {
        var entry: MemoryEntry
        var changedIn: BatchNumber
        /// Handle of its end; -1: it has none.
        var expiry: Int32 = -1
    }

    /// The end of what a key held.
    struct Grave: Sendable {
        var revision: Int64
        var changedIn: BatchNumber
    }

    /// When and with which batch something changes.
    public struct Moment: Sendable {
        /// The turn's time.
        public var time: EngineTime
        /// The batch that will hold the change.
        public var batch: BatchNumber
        /// The newest batch on disk.
        public var committed: BatchNumber

        /// Combines the parts.
        public init(time: EngineTime, batch: BatchNumber, committed: BatchNumber) {
            self.time = time
            self.batch = batch
            self.committed = committed
        }
    }

    /// What left the window of changes.
    public struct Passed: Sendable {
        /// The first revision that stays.
        public var below: Int64
        /// Entries whose last change left: what their keys hold.
        public var held: [MemoryEntry] = []
        /// Keys whose last change left, and was the end of what they held.
        public var gone: [MemoryKey] = []
    }

    /// What was done.
    public struct Outcome: Sendable {
        /// Of the changes, or of the namespace when there are none.
        public var revision: Int64
        /// In order; all of one revision.
        public var changes: [MemoryChange] = []
        /// One for each operation, if they were wanted.
        public var results: [MemoryResult] = []
        /// Changes that watchers cannot ask for any more.
        public var passed: Passed?
    }

    /// Why something does not fit.
    public enum Bound: Sendable, Hashable {
        case keys(Int)
        case bytes(Int)
    }

    /// Its bounds, its revisions, and how far back watchers can ask.
    public let limits: MemoryLimits
    public private(set) var line: RevisionLine
    public internal(set) var window: ChangeWindow
    /// Weight of all entries.
    public internal(set) var bytes = 0
    var cells: [MemoryKey: Cell] = [:]
    var keys = OrderedKeys()
    /// Keys that hold nothing, as long as the change that ended it is in the window.
    var graves: [MemoryKey: Grave] = [:]
    var trail = ChangeTrail()
    /// Ends of entries, by the monotonic clock.
    private var expiries = IndexedHeap<MemoryKey>()

    /// A namespace without entries, at a revision, whose watchers may begin from `oldest`.
    public init(
        limits: MemoryLimits = MemoryLimits(), revision: Int64 = 0, oldest: Int64 = 1
    ) {
        self.limits = limits
        line = RevisionLine(revision: revision)
        window = ChangeWindow(oldest: oldest)
    }

    /// How many keys there are.
    public var count: Int { cells.count }

    /// When the next entry ends, by the monotonic clock.
    public var nextExpiryNanos: Int64? { expiries.smallestKey }

    // MARK: Reading

    /// What a key holds, and the newest batch that changed it.
    public func read(_ key: MemoryKey) -> (entry: MemoryEntry?, changedIn: BatchNumber) {
        if let cell = cells[key] { return (cell.entry, cell.changedIn) }
        return (nil, graves[key]?.changedIn ?? .none)
    }

    /// Entries by ascending key, those with a prefix and behind `after`: as many as `limit` says, and
    /// none more once their values have `maxBytes`.
    public func entries(
        prefix: MemoryKey, after: MemoryKey?, limit: Int, maxBytes: Int
    ) -> (entries: [MemoryEntry], isLast: Bool) {
        var page: [MemoryEntry] = []
        var bytes = 0
        var isLast = true
        keys.forEach(from: after ?? prefix) { key in
            if key == after { return true }
            guard key.hasPrefix(prefix), let entry = cells[key]?.entry else { return false }
            isLast = page.isEmpty || page.count < limit && bytes < maxBytes
            guard isLast else { return false }
            page.append(entry)
            bytes += key.bytes.count + entry.value.bytes.count
            return true
        }
        return (page, isLast)
    }

    /// The revision of the entry of a key; 0: there is none.
    public func revision(of key: MemoryKey) -> Int64 { cells[key]?.entry.revision ?? 0 }

    /// Whether a comparison holds; `nil` for a lock, which is not known here.
    public func holds(_ compare: MemoryCompare) -> Bool? {
        switch compare {
        case .exists(let key, let wanted): (cells[key] != nil) == wanted
        case .revisionEquals(let key, let wanted): revision(of: key) == wanted
        case .revisionAtMost(let key, let wanted): revision(of: key) <= wanted
        case .versionEquals(let key, let wanted): (cells[key]?.entry.version ?? 0) == wanted
        case .valueEquals(let key, let wanted): cells[key]?.entry.value == wanted
        case .fence: nil
        }
    }

    /// Why operations would grow it over its bounds; `nil`: they would not.
    public func bound(for operations: [MemoryOperation]) -> Bound? {
        // Seldom near, so seldom looked at closely.
        if cells.count + operations.count <= limits.maxKeys,
            bytes + operations.mostGrowth <= limits.maxBytes
        {
            return nil
        }
        let growth = growth(of: operations)
        if growth.keys > 0, cells.count + growth.keys > limits.maxKeys {
            return .keys(limits.maxKeys)
        }
        if growth.bytes > 0, bytes + growth.bytes > limits.maxBytes {
            return .bytes(limits.maxBytes)
        }
        return nil
    }

    /// How many keys more there would be after operations, and how much heavier all entries.
    public func growth(of operations: [MemoryOperation]) -> (keys: Int, bytes: Int) {
        var (keys, growth) = (0, 0)
        /// What those before have left; absent: what there is.
        var weights: [MemoryKey: Int] = [:]
        for operation in operations {
            let before = weights[operation.key] ?? cells[operation.key]?.entry.weight ?? 0
            var after = before
            switch operation {
            case .get: continue
            case .delete: after = 0
            case .put(let key, let value, _):
                after = key.bytes.count + value.bytes.count + MemoryEntry.overhead
            }
            weights[operation.key] = after
            keys += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
            growth += after - before
        }
        return (keys, growth)
    }

    // MARK: Writing

    /// Carries out operations at one revision, in order; see ``bound(for:)`` first.
    ///
    /// - Parameter wantsResults: whether ``Outcome/results`` is looked at.
    public mutating func apply(
        _ operations: [MemoryOperation], actor: String, at moment: Moment,
        wantsResults: Bool = true
    ) -> Outcome {
        var outcome = Outcome(revision: line.revision)
        if wantsResults { outcome.results.reserveCapacity(operations.count) }
        for operation in operations {
            let result = apply(operation, actor, moment, &outcome.changes)
            if wantsResults { outcome.results.append(result) }
        }
        finish(&outcome, moment)
        return outcome
    }

    /// Deletes the entry that ended first, if one has ended.
    public mutating func expireNext(at moment: Moment) -> Outcome? {
        guard let key = expiries.first, let due = expiries.smallestKey,
            due <= moment.time.monotonicNanos
        else { return nil }
        var outcome = Outcome(revision: line.revision)
        if let change = remove(key, .expired, actor: "", moment) { outcome.changes.append(change) }
        finish(&outcome, moment)
        return outcome
    }

    private mutating func apply(
        _ operation: MemoryOperation, _ actor: String, _ moment: Moment,
        _ changes: inout [MemoryChange]
    ) -> MemoryResult {
        switch operation {
        case .get(let key): return .read(cells[key]?.entry)
        case .delete(let key):
            guard let change = remove(key, .deleted, actor: actor, moment) else {
                return .deleted(false)
            }
            changes.append(change)
            return .deleted(true)
        case .put(let key, let value, let ttl):
            let change = put(key, value, ttlMillis: ttl, actor, moment)
            changes.append(change)
            return .put(change.entry)
        }
    }

    private mutating func put(
        _ key: MemoryKey, _ value: Payload, ttlMillis: Int64, _ actor: String, _ moment: Moment
    ) -> MemoryChange {
        let place = cells.index(forKey: key)
        let known = place.map { cells.values[$0].entry }
        let at = moment.time.wallMillis
        let revision = line.revision + 1
        let entry = MemoryEntry(
            key: known?.key ?? key, value: value, revision: revision,
            createdRevision: known?.createdRevision ?? revision, version: (known?.version ?? 0) + 1,
            createdMillis: known?.createdMillis ?? at, updatedMillis: at, actor: actor,
            expiresMillis: ttlMillis > 0 ? at + ttlMillis : 0)
        bytes += entry.weight - (known?.weight ?? 0)
        let end = ttlMillis > 0 ? moment.time.monotonicNanos + ttlMillis * 1_000_000 : nil
        hold(entry, at: place, until: end, in: moment.batch)
        return MemoryChange(kind: .put, entry: entry, previous: known)
    }

    /// - Parameter place: where its key stands, if it holds something.
    private mutating func hold(
        _ entry: MemoryEntry, at place: Dictionary<MemoryKey, Cell>.Index?, until end: Int64?,
        in batch: BatchNumber
    ) {
        var cell = Cell(entry: entry, changedIn: batch)
        if let place { cell.expiry = cells.values[place].expiry }
        setExpiry(&cell, end)
        if let place { return cells.values[place] = cell }
        keys.insert(entry.key)
        graves[entry.key] = nil
        cells[entry.key] = cell
    }

    private mutating func remove(
        _ key: MemoryKey, _ kind: MemoryChange.Kind, actor: String, _ moment: Moment
    ) -> MemoryChange? {
        guard let known = takeOut(key) else { return nil }
        graves[key] = Grave(revision: line.revision + 1, changedIn: moment.batch)
        let grave = known.deleted(
            revision: line.revision + 1, atMillis: moment.time.wallMillis, by: actor)
        return MemoryChange(kind: kind, entry: grave, previous: known)
    }

    mutating func takeOut(_ key: MemoryKey) -> MemoryEntry? {
        guard var cell = cells.removeValue(forKey: key) else { return nil }
        keys.remove(key)
        setExpiry(&cell, nil)
        bytes -= cell.entry.weight
        return cell.entry
    }

    mutating func setExpiry(_ cell: inout Cell, _ nanos: Int64?) {
        switch (nanos, cell.expiry >= 0) {
        case (let nanos?, true): expiries.update(cell.expiry, key: nanos)
        case (let nanos?, false): cell.expiry = expiries.insert(cell.entry.key, key: nanos)
        case (nil, true):
            expiries.remove(cell.expiry)
            cell.expiry = -1
        case (nil, false): break
        }
    }

    /// All changes of one call are one revision.
    private mutating func finish(_ outcome: inout Outcome, _ moment: Moment) {
        if outcome.changes.isEmpty { return }
        line.advance(in: moment.batch, committed: moment.committed)
        outcome.revision = line.revision
        let weight = outcome.changes.reduce(0) { $0 + $1.entry.weight }
        window.add(revision: line.revision, changes: outcome.changes.count, bytes: weight, limits)
        for change in outcome.changes { trail.append(line.revision, change.entry.key) }
        if let oldest = window.shorten(limits) { outcome.passed = leave(below: oldest) }
    }
}
