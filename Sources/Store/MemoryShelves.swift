import Coordination

/// Shared memory as plain values, with the same rules as the SQL tables.
struct MemoryShelves: Sendable {
    /// A change, and its place among all.
    fileprivate struct Placed: Sendable {
        var place: Int64
        var row: MemoryRow
    }

    fileprivate struct Shelf: Sendable {
        var shard = ShardID.only
        /// The window, in the order of commits.
        var log: [Placed] = []
        /// What the window has passed: by key, ascending revisions.
        var settled: [MemoryKey: [Placed]] = [:]
    }

    private var shelves: [String: Shelf] = [:]
    private var nextPlace: Int64 = 1

    /// Why rows cannot be appended; `nil` when they can.
    func conflict(in rows: [MemoryRow]) -> String? {
        for row in rows {
            let stored = shelves[row.namespace]?.log.last?.row.revision ?? 0
            if stored >= row.revision {
                return "revision \(row.revision) of \(row.namespace) is stored already"
            }
        }
        return nil
    }

    /// - Returns: the bytes that were added.
    mutating func append(_ row: MemoryRow, shard: ShardID) -> Int {
        shelves[row.namespace, default: Shelf(shard: shard)].log.append(placed(row))
        return row.byteCount
    }

    /// - Returns: the bytes that were added; less than 0: that went.
    mutating func settle(_ settlement: MemorySettlement) -> Int {
        guard var shelf = shelves.removeValue(forKey: settlement.namespace) else { return 0 }
        var bytes = 0
        for row in settlement.held {
            let kept = shelf.settled[row.key, default: []] + [placed(row)]
            let dropped = kept.dropLast(settlement.keep)
            shelf.settled[row.key] = Array(kept.dropFirst(dropped.count))
            bytes += row.byteCount - dropped.byteCount
        }
        for key in settlement.gone {
            bytes -= shelf.settled.removeValue(forKey: key)?[...].byteCount ?? 0
        }
        let left = shelf.log.prefix { $0.row.revision < settlement.below }
        bytes -= left.byteCount
        shelf.log.removeFirst(left.count)
        shelves[settlement.namespace] = shelf
        return bytes
    }

    private mutating func placed(_ row: MemoryRow) -> Placed {
        defer { nextPlace += 1 }
        return Placed(place: nextPlace, row: row)
    }

    /// One page.
    func page(_ query: MemoryQuery) -> MemoryPage {
        var page = MemoryPageBuilder(query)
        guard let shelf = shelves[query.namespace] else { return page.page }
        switch query.kind {
        case .history(let key, let revision):
            for row in shelf.history(key) where row.revision < revision {
                guard page.hasRoom else {
                    page.ended(beforeEnd: true)
                    break
                }
                page.add(row.shown(query))
            }
        case .changes(let scope, let from, let previous):
            shelf.readChanges(&page, scope, from, previous)
        }
        return page.page
    }

    /// Adds what the window has passed to a page of recovery: of each key the newest.
    func fillSettled(_ page: inout RecoveryPageBuilder, after: Int64) {
        fill(&page, after: after) { $0.settled.values.compactMap(\.last) }
    }

    /// Adds the window to a page of recovery.
    func fillLog(_ page: inout RecoveryPageBuilder, after: Int64) {
        fill(&page, after: after, \.log)
    }

    private func fill(
        _ page: inout RecoveryPageBuilder, after: Int64, _ rows: (Shelf) -> [Placed]
    ) {
        let own = shelves.values.filter { $0.shard == page.request.shard }.flatMap(rows)
        for placed in own.sorted(by: { $0.place < $1.place })
        where placed.place > after && page.hasRoom {
            page.add([placed.row], rowID: placed.place)
        }
    }
}

extension MemoryShelves.Shelf {
    /// All that is kept of a key, newest first.
    fileprivate func history(_ key: MemoryKey) -> [MemoryRow] {
        let own = log.lazy.map(\.row).filter { $0.key == key }
        let oldest = log.first?.row.revision ?? .max
        let before = (settled[key] ?? []).map(\.row).filter { $0.revision < oldest }
        return own.reversed() + before.reversed()
    }

    fileprivate func readChanges(
        _ page: inout MemoryPageBuilder, _ scope: MemoryScope, _ from: MemoryPosition,
        _ previous: Bool
    ) {
        var place = MemoryPlace(from)
        for row in log.lazy.map(\.row) where row.revision >= from.revision {
            let position = place.position(of: row.revision, isWanted: scope.contains(row.key))
            guard let position else { continue }
            guard page.hasRoom else { return page.ended(at: position) }
            page.add(row.shown(page.query))
            if previous {
                let before = history(row.key).first { $0.revision == row.previous }
                page.add(previous: before?.shown(page.query))
            }
        }
    }
}

extension ArraySlice<MemoryShelves.Placed> {
    fileprivate var byteCount: Int { reduce(0) { $0 + $1.row.byteCount } }
}

extension MemoryRow {
    /// Without its value where only keys are wanted.
    fileprivate func shown(_ query: MemoryQuery) -> MemoryRow {
        var row = self
        if query.keysOnly { row.value = nil }
        return row
    }
}
