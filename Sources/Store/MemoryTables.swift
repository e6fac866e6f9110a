import Coordination

/// The tables of a store as plain values, with the same rules as the SQL ones.
struct MemoryTables: Sendable {
    private(set) var epochs: [ShardID: Epoch] = [:]
    private var definitions: [Sharded<DefinitionRow>] = []
    private var payloads: [PayloadID: PayloadRow] = [:]
    private var runs: [RunID: Sharded<RunRow>] = [:]
    /// Keys of `runs`, ascending.
    private var runOrder: [RunID] = []
    /// Rows of one run, by first sequence.
    private var history: [RunID: [HistoryRow]] = [:]
    private var requests: [Sharded<RequestRow>] = []
    private var entities: [Sharded<EntityRow>] = []
    private var audits: [AuditRow] = []
    private var memory = MemoryShelves()
    private var publications: [String: MemoryPublications] = [:]
    private var nextRowID: Int64 = 1
    /// Bytes of blobs and payloads held.
    private(set) var bytes = 0

    private struct Sharded<Row: Sendable>: Sendable {
        var shard: ShardID
        /// The order of insertion; the run id for runs.
        var rowID: Int64
        var row: Row

        func isOn(_ shard: ShardID, after rowID: Int64) -> Bool {
            self.shard == shard && self.rowID > rowID
        }
    }

    /// Notes a claim.
    mutating func setEpoch(_ epoch: Epoch, of shard: ShardID) {
        epochs[shard] = epoch
    }

    // MARK: Writing

    /// Why a batch cannot be applied; `nil` when it can.
    func conflict(in batch: StoreBatch) -> String? {
        var payloadIDs = Set<PayloadID>()
        for row in batch.payloads
        where payloads[row.id] != nil || !payloadIDs.insert(row.id).inserted {
            return "payload \(row.id.serial.rawValue) exists"
        }
        var starts: [RunID: Set<Int64>] = [:]
        for row in batch.history {
            let isStored = history[row.run]?.contains { $0.firstSequence == row.firstSequence }
            if isStored == true || !starts[row.run, default: []].insert(row.firstSequence).inserted
            {
                return "history of run \(row.run) at \(row.firstSequence) exists"
            }
        }
        return memory.conflict(in: batch.memory)
    }

    /// Applies a batch that has no conflict.
    mutating func apply(_ batch: StoreBatch) {
        for row in batch.definitions { put(row, shard: batch.shard) }
        for row in batch.payloads {
            payloads[row.id] = row
            bytes += row.payload.bytes.count
        }
        for row in batch.runs { put(row, shard: batch.shard) }
        for row in batch.history { append(row) }
        for row in batch.requests {
            requests.append(Sharded(shard: batch.shard, rowID: takeRowID(), row: row))
            bytes += row.answer.count
        }
        for row in batch.entities { put(row, shard: batch.shard) }
        for row in batch.audits { append(row) }
        for row in batch.memory { bytes += memory.append(row, shard: batch.shard) }
        for settlement in batch.memorySettlements { bytes += memory.settle(settlement) }
        for row in batch.publications {
            bytes += row.byteCount
            publications[row.namespace, default: MemoryPublications()].append(row.publication)
        }
        for name in batch.removedPublications {
            let gone = publications[name.namespace]?.remove(name.sequence)
            let row = gone.map { PublicationRow(namespace: name.namespace, publication: $0) }
            bytes -= row?.byteCount ?? 0
        }
    }

    private mutating func takeRowID() -> Int64 {
        defer { nextRowID += 1 }
        return nextRowID
    }

    private mutating func put(_ row: DefinitionRow, shard: ShardID) {
        bytes += row.blob.count
        let known = definitions.firstIndex {
            $0.row.namespace == row.namespace && $0.row.name.hasSameBytes(as: row.name)
        }
        if let known {
            bytes -= definitions[known].row.blob.count
            definitions[known].row = row
        } else {
            definitions.append(Sharded(shard: shard, rowID: takeRowID(), row: row))
        }
    }

    private mutating func put(_ row: EntityRow, shard: ShardID) {
        let known = entities.firstIndex { stored in
            stored.shard == shard && stored.row.kind == row.kind
                && stored.row.key.hasSameBytes(as: row.key)
                && stored.row.namespace == row.namespace
        }
        if let known { bytes -= entities[known].row.blob?.count ?? 0 }
        bytes += row.blob?.count ?? 0
        switch (known, row.blob) {
        case (let known?, nil): entities.remove(at: known)
        case (let known?, _?): entities[known].row = row
        case (nil, nil): break
        case (nil, _?):
            entities.append(Sharded(shard: shard, rowID: takeRowID(), row: row))
        }
    }

    private mutating func append(_ row: AuditRow) {
        bytes += row.byteCount
        audits.append(row)
        audits[audits.count - 1].sequence = Int64(audits.count)
    }

    private mutating func put(_ row: RunRow, shard: ShardID) {
        bytes += row.blob.count
        guard let known = runs[row.run] else {
            runs[row.run] = Sharded(shard: shard, rowID: row.run.serial.column, row: row)
            return runOrder.insert(row.run, at: runOrder.sortedIndex { $0 < row.run })
        }
        bytes -= known.row.blob.count
        runs[row.run]?.row.status = row.status
        runs[row.run]?.row.closedMillis = row.closedMillis
        runs[row.run]?.row.blob = row.blob
    }

    private mutating func append(_ row: HistoryRow) {
        bytes += row.blob.count
        let rows = history[row.run, default: []]
        let position = rows.lastIndex { $0.firstSequence < row.firstSequence }.map { $0 + 1 } ?? 0
        history[row.run, default: []].insert(row, at: position)
    }

    /// Drops the oldest requests beyond a number.
    mutating func dropRequests(beyond maxCount: Int) {
        let surplus = requests.count - maxCount
        if surplus <= 0 { return }
        for stored in requests.prefix(surplus) { bytes -= stored.row.answer.count }
        requests.removeFirst(surplus)
    }

    /// Drops requests that are no longer remembered.
    mutating func dropRequests(_ retention: RequestRetention) {
        requests.removeAll { stored in
            guard !retention.remembers(createdMillis: stored.row.createdMillis) else {
                return false
            }
            bytes -= stored.row.answer.count
            return true
        }
    }

    /// Removes some runs that ended before a moment, the longest ended first.
    mutating func prune(_ shard: ShardID, closedBeforeMillis: Int64) -> PrunedPiece {
        let due = runs.values.filter { stored in
            stored.shard == shard
                && stored.row.closedMillis.map { $0 < closedBeforeMillis } ?? false
        }.map(\.row).sorted { ($0.closedMillis ?? 0, $0.run) < ($1.closedMillis ?? 0, $1.run) }
        let piece = due.prefix(32)
        for row in piece { remove(row) }
        return PrunedPiece(runs: piece.count, hasMore: due.count > piece.count)
    }

    private mutating func remove(_ row: RunRow) {
        bytes -= row.blob.count
        runs[row.run] = nil
        runOrder.remove(at: runOrder.sortedIndex { $0 < row.run })
        for gone in history.removeValue(forKey: row.run) ?? [] { bytes -= gone.blob.count }
        for gone in payloads.values where gone.run == row.run {
            bytes -= gone.payload.bytes.count
            payloads[gone.id] = nil
        }
    }

    // MARK: Reading

    /// The payloads among `ids` that are stored.
    func payloads(_ ids: [PayloadID]) -> [PayloadID: Payload] {
        var found: [PayloadID: Payload] = [:]
        for id in ids { found[id] = payloads[id]?.payload }
        return found
    }

    /// Answers one query.
    func answer(_ query: StoreQuery) -> StoreAnswer {
        switch query {
        case .run(let id):
            return .run(runs[id]?.row)
        case .latestRun(let namespace, let workflowID):
            let latest = runsDescending(before: nil).first {
                $0.namespace == namespace && $0.workflowID == workflowID
            }
            return .run(latest)
        case .runs(let namespace, let definition, let openOnly, let before, let limit):
            let matching = runsDescending(before: before).filter { row in
                row.namespace == namespace && (definition.map { row.definition == $0 } ?? true)
                    && (!openOnly || row.closedMillis == nil)
            }
            return .runs(Array(matching.prefix(max(limit, 0))))
        case .history(let run, let fromSequence, let limit):
            return .history(historyPage(run, from: fromSequence, limit: max(limit, 0)))
        case .entities(let kind, let namespace, let after, let limit):
            return .entities(entityPage(kind, namespace, after: after, limit: max(limit, 0)))
        case .audit(let namespace, let subject, let before, let limit):
            return .audit(auditPage(namespace, subject, before: before, limit: max(limit, 0)))
        case .memory(let query):
            return .memory(memoryPage(query))
        case .publications(let range):
            return .publications(
                (publications[range.namespace] ?? MemoryPublications()).page(range))
        case .publicationMarks(let namespace, let after, let limit):
            return .publicationMarks(
                publications[namespace]?.marks(after: after, limit: max(limit, 0)) ?? [])
        }
    }

    private func historyPage(_ run: RunID, from sequence: Int64, limit: Int) -> [HistoryRow] {
        let rows = (history[run] ?? []).drop { row in
            row.firstSequence + Int64(row.count) <= sequence
        }
        return Array(rows.prefix(limit))
    }

    private func auditPage(
        _ namespace: String?, _ subject: String?, before: Int64?, limit: Int
    ) -> [AuditRow] {
        let matching = audits.reversed().lazy.filter { row in
            (namespace.map { row.namespace == $0 } ?? true)
                && (subject.map { row.subject == $0 } ?? true)
                && (before.map { row.sequence < $0 } ?? true)
        }
        return Array(matching.prefix(limit))
    }

    private func memoryPage(_ query: MemoryQuery) -> MemoryPage {
        let line = entities.first {
            $0.row.entityKind == .memoryLine && $0.row.namespace == query.namespace
        }
        var page = memory.page(query)
        page.line = line?.row.blob
        return page
    }

    private func entityPage(
        _ kind: EntityKind, _ namespace: String, after: String?, limit: Int
    ) -> [EntityRow] {
        let matching = entities.map(\.row).filter { row in
            row.kind == kind.rawValue && row.namespace == namespace
                && (after.map { $0.utf8.lexicographicallyPrecedes(row.key.utf8) } ?? true)
        }
        return Array(
            matching.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.prefix(limit))
    }

    private func runsDescending(before: RunID?) -> some Sequence<RunRow> {
        let end = before.map { before in runOrder.sortedIndex { $0 < before } } ?? runOrder.count
        return runOrder[..<end].reversed().lazy.compactMap { runs[$0]?.row }
    }

    /// One page of recovery.
    func recoveryPage(_ request: RecoveryRequest) -> RecoveryPage {
        var page = RecoveryPageBuilder(request)
        if let after = page.enter(.definitions) {
            for stored in definitions where stored.isOn(request.shard, after: after) {
                if page.hasRoom { page.add(stored.row, rowID: stored.rowID) }
            }
        }
        if let after = page.enter(.entities) {
            fillEntities(&page, after: after) { $0.isRecovered && !$0.isBrief }
        }
        if let after = page.enter(.briefEntities) {
            fillEntities(&page, after: after) { $0.isBrief }
        }
        if let after = page.enter(.settledMemory) { memory.fillSettled(&page, after: after) }
        if let after = page.enter(.memoryLog) { memory.fillLog(&page, after: after) }
        if let after = page.enter(.openRuns) { fillOpenRuns(&page, after: after) }
        if let after = page.enter(.requests) { fillRequests(&page, after: after) }
        return page.finish()
    }

    private func fillEntities(
        _ page: inout RecoveryPageBuilder, after rowID: Int64, _ isWanted: (EntityKind) -> Bool
    ) {
        for stored in entities
        where stored.isOn(page.request.shard, after: rowID) && isWanted(stored.row.entityKind) {
            if page.hasRoom { page.add(stored.row, rowID: stored.rowID) }
        }
    }

    private func fillOpenRuns(_ page: inout RecoveryPageBuilder, after rowID: Int64) {
        for stored in runOrder.lazy.compactMap({ runs[$0] })
        where stored.row.closedMillis == nil && stored.isOn(page.request.shard, after: rowID) {
            if page.hasRoom { page.add(stored.row, rowID: stored.rowID) }
        }
    }

    private func fillRequests(_ page: inout RecoveryPageBuilder, after rowID: Int64) {
        for stored in requests where stored.isOn(page.request.shard, after: rowID) {
            let hour = RequestRetention.hour(ofMillis: stored.row.createdMillis)
            if page.hasRoom && hour >= page.request.oldestHour {
                page.add(stored.row, rowID: stored.rowID)
            }
        }
    }
}
