import Coordination

/// Shared memory as plain values, with the same rules as the SQL tables.
struct MemoryShelves: Sendable {
    fileprivate struct Shelf: Sendable {
        var shard = ShardID.only
        /// By key, ascending revisions.
        var ofKey: [MemoryKey: [MemoryRow]] = [:]
        /// By revision, in the order of commits.
        var ofRevision: [Int64: [MemoryKey]] = [:]
        /// Ascending.
        var revisions: [Int64] = []
        /// When each key that holds something was first stored.
        var places: [MemoryKey: Int64] = [:]
    }

    private var shelves: [String: Shelf] = [:]
    private var nextPlace: Int64 = 1

    /// Why rows cannot be inserted; `nil` when they can.
    func conflict(in rows: [MemoryRow]) -> String? {
        var seen: Set<MemoryRow> = []
        for row in rows {
            var name = row
            name.meta = []
            name.value = nil
            let stored = shelves[row.namespace]?.ofKey[row.key]?.last?.revision ?? -1
            if stored >= row.revision || !seen.insert(name).inserted {
                return "revision \(row.revision) of key \(row.key) exists"
            }
        }
        return nil
    }

    /// - Returns: the bytes that were added.
    mutating func insert(_ row: MemoryRow, shard: ShardID) -> Int {
        var shelf = shelves.removeValue(forKey: row.namespace) ?? Shelf(shard: shard)
        shelf.ofKey[row.key, default: []].append(row)
        if shelf.ofRevision[row.revision] == nil { shelf.revisions.append(row.revision) }
        shelf.ofRevision[row.revision, default: []].append(row.key)
        if row.value == nil {
            shelf.places[row.key] = nil
        } else if shelf.places[row.key] == nil {
            shelf.places[row.key] = nextPlace
            nextPlace += 1
        }
        shelves[row.namespace] = shelf
        return row.byteCount
    }

    /// - Returns: the bytes that went.
    mutating func prune(_ pruning: MemoryPruning) -> Int {
        guard var shelf = shelves.removeValue(forKey: pruning.namespace) else { return 0 }
        var gone = 0
        var keys: Set<MemoryKey> = []
        for revision in shelf.revisions
        where revision >= pruning.from && revision < pruning.below {
            keys.formUnion(shelf.ofRevision[revision] ?? [])
        }
        for key in keys { gone += shelf.prune(key, pruning) }
        shelf.revisions.removeAll { shelf.ofRevision[$0] == nil }
        shelves[pruning.namespace] = shelf
        return gone
    }

    /// One page.
    func page(_ query: MemoryQuery) -> MemoryPage {
        var page = MemoryPageBuilder(query)
        guard let shelf = shelves[query.namespace] else { return page.page }
        let rows: [MemoryRow]
        switch query.kind {
        case .entries(let prefix, let after):
            rows = shelf.places.keys.filter { key in
                key.hasPrefix(prefix) && after.map { key > $0 } ?? true
            }.sorted().compactMap { shelf.ofKey[$0]?.last }
        case .history(let key, let revision):
            rows = (shelf.ofKey[key] ?? []).filter { $0.revision < revision }.reversed()
        case .changes(let scope, let from, let previous):
            shelf.readChanges(&page, scope, from, previous)
            return page.page
        }
        for row in rows {
            guard page.hasRoom else {
                page.ended(beforeEnd: true)
                break
            }
            page.add(row.shown(query))
        }
        return page.page
    }

    /// Adds what the keys hold to a page of recovery.
    func fill(_ page: inout RecoveryPageBuilder, after: Int64) {
        var held: [(Int64, MemoryRow)] = []
        for shelf in shelves.values where shelf.shard == page.request.shard {
            for (key, place) in shelf.places where place > after {
                if let row = shelf.ofKey[key]?.last { held.append((place, row)) }
            }
        }
        for (place, row) in held.sorted(by: { $0.0 < $1.0 }) where page.hasRoom {
            page.add(row, rowID: place)
        }
    }
}

extension MemoryShelves.Shelf {
    fileprivate mutating func prune(_ key: MemoryKey, _ pruning: MemoryPruning) -> Int {
        let rows = ofKey[key] ?? []
        let kept = places[key] == nil ? 0 : pruning.keep
        let old = rows.dropLast(kept).filter { $0.revision < pruning.below }
        ofKey[key] = rows.count == old.count ? nil : Array(rows.dropFirst(old.count))
        for row in old {
            ofRevision[row.revision]?.removeAll { $0 == key }
            if ofRevision[row.revision]?.isEmpty == true { ofRevision[row.revision] = nil }
        }
        return old.reduce(0) { $0 + $1.byteCount }
    }

    fileprivate func readChanges(
        _ page: inout MemoryPageBuilder, _ scope: MemoryScope, _ from: MemoryPosition,
        _ previous: Bool
    ) {
        var place = MemoryPlace(from)
        for revision in revisions where revision >= from.revision {
            for key in ofRevision[revision] ?? [] {
                let position = place.position(of: revision, isWanted: scope.contains(key))
                guard let position else { continue }
                guard page.hasRoom else {
                    page.page.next = position
                    return page.ended(beforeEnd: true)
                }
                let rows = ofKey[key] ?? []
                guard let index = rows.firstIndex(where: { $0.revision == revision }) else {
                    continue
                }
                page.add(rows[index].shown(page.query))
                if previous {
                    page.add(previous: index > 0 ? rows[index - 1].shown(page.query) : nil)
                }
            }
        }
    }
}

extension MemoryRow {
    /// Without its value where only keys are wanted.
    fileprivate func shown(_ query: MemoryQuery) -> MemoryRow {
        var row = self
        if query.keysOnly { row.value = nil }
        return row
    }
}
