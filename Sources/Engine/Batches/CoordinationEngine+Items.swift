import Coordination
import Store

/// Items: taking them in, and giving their outcomes to whoever waits.
extension CoordinationEngine {
    mutating func submitItems(_ submit: SubmitItems, isDurable: Bool, _ ticket: ReplyTicket) {
        let name = ScopedName(namespace: submit.namespace, name: submit.operation)
        guard let batch = items.index[name] else { return rejectUnknownBatch(name, ticket) }
        if isDraining { return reject(ticket, .draining) }
        if isDurable, isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        forgetOldItems()
        let fresh = submit.items.filter { isNew($0, name) }
        if let refusal = refusal(of: fresh, batch) { return reject(ticket, refusal) }
        let reused = submit.items.filter { isOther($0, isDurable, name) }
        if !reused.isEmpty { return reject(ticket, .requestReused(by: reused), seen: newest) }
        let count = submit.items.count
        items.calls[ticket] = ItemCall(
            outcomes: Array(repeating: nil, count: count), missing: count,
            items: Array(repeating: nil, count: count), seen: items.cells[batch].changedIn)
        open.insert(.submitted, for: ticket)
        for (place, item) in submit.items.enumerated() {
            take(item, batch, isDurable, ItemCell.Waiter(ticket: ticket, place: place))
        }
        items.cells[batch].counts.submitted += Int64(fresh.count)
        letLeave(batch)
        respondIfSettled(ticket)
    }

    private mutating func isNew(_ item: SubmitItems.Item, _ batch: ScopedName) -> Bool {
        if item.requestID.isEmpty { return true }
        let name = ItemName(batch: batch, requestID: item.requestID)
        return items.named[name] == nil && items.ended[name] == nil
    }

    /// Whether another item of the same name is open or has ended.
    private mutating func isOther(
        _ item: SubmitItems.Item, _ isDurable: Bool, _ batch: ScopedName
    ) -> Bool {
        if item.requestID.isEmpty { return false }
        let name = ItemName(batch: batch, requestID: item.requestID)
        if let open = items.named[name].flatMap({ items.items[$0] }) {
            return open.fingerprint != item.fingerprint || open.isDurable != isDurable
        }
        return items.ended[name].map { $0.fingerprint != item.fingerprint } ?? false
    }

    private mutating func refusal(of fresh: [SubmitItems.Item], _ batch: Int32) -> Rejection? {
        let line = items.cells[batch].line
        let definition = line.definition
        let bytes = fresh.reduce(0) { $0 + $1.payload.bytes.count }
        // Those that are being written wait too, or a burst would come in before the first is counted.
        let hasRoom = line.hasRoom(for: items.cells[batch].unstored + fresh.count)
        if hasRoom, items.bytes + bytes <= limits.maxItemBytes {
            return nil
        }
        items.cells[batch].counts.refused += Int64(fresh.count)
        ready.notices.append(
            .items(.refused(operation: definition.operation, items: fresh.count)))
        if !hasRoom {
            return .tooManyItems(
                definition.operation, definition.maxWaiting,
                retryMillis: max(50, min(definition.maxDelayMillis, 5_000)))
        }
        return .tooManyItemBytes(limits.maxItemBytes)
    }

    private mutating func take(
        _ item: SubmitItems.Item, _ batch: Int32, _ isDurable: Bool, _ waiter: ItemCell.Waiter
    ) {
        let name = ItemName(batch: items.cells[batch].name, requestID: item.requestID)
        if !item.requestID.isEmpty, let ended = items.ended[name] {
            return give(
                ItemOutcome(
                    outcome: ended.outcome, batchItems: 0, waitedNanos: 0,
                    attempts: ended.attempts, isRepeat: true), waiter, seen: ended.changedIn)
        }
        if !item.requestID.isEmpty, let id = items.named[name] {
            items.items[id]?.waiters.append(waiter)
            items.calls[waiter.ticket]?.items[waiter.place] = id
            return
        }
        items.lastItem += 1
        let id = items.lastItem
        items.calls[waiter.ticket]?.items[waiter.place] = id
        items.bytes += item.payload.bytes.count
        items.items[id] = ItemCell(
            batch: batch, payload: item.payload, requestID: item.requestID,
            fingerprint: item.fingerprint, isDurable: isDurable, atMillis: now.wallMillis,
            waiters: [waiter])
        if !item.requestID.isEmpty { items.named[name] = id }
        if isDurable {
            store(id, nil, attempts: 0)
            items.cells[batch].unstored += 1
            // It stands in line when it is on disk.
            draft.effects.items.append(id)
        } else {
            standInLine(id)
        }
    }

    /// A durable item is on disk: it may leave.
    mutating func itemStored(_ id: UInt64) {
        guard let batch = items.items[id]?.batch else { return }
        items.cells[batch].unstored -= 1
        standInLine(id)
        armBatch(batch)
    }

    private mutating func standInLine(_ id: UInt64) {
        guard let item = items.items[id] else { return }
        items.cells[item.batch].line.add(
            BatchLine.Item(
                id: id, bytes: item.payload.bytes.count, arrivedNanos: now.monotonicNanos,
                isDurable: item.isDurable))
    }

    // MARK: Outcomes

    /// An item has ended.
    ///
    /// - Parameter seen: the newest batch of the store that its outcome depends on.
    mutating func itemEnded(_ id: UInt64, _ outcome: ItemOutcome, seen: BatchNumber) {
        guard let item = items.items.removeValue(forKey: id) else { return }
        items.bytes -= item.payload.bytes.count
        var isSuccess = false
        if case .success = outcome.outcome { isSuccess = true }
        let operation = items.cells[item.batch].line.definition.operation
        if isSuccess {
            items.cells[item.batch].counts.succeeded += 1
        } else {
            items.cells[item.batch].counts.failed += 1
        }
        ready.notices.append(
            .items(
                .ended(
                    operation: operation, isSuccess: isSuccess,
                    waitedSeconds: Double(outcome.waitedNanos) / 1e9)))
        let seen = max(seen, remember(item, outcome))
        for waiter in item.waiters { give(outcome, waiter, seen: seen) }
    }

    private mutating func give(
        _ outcome: ItemOutcome, _ waiter: ItemCell.Waiter, seen: BatchNumber
    ) {
        guard items.calls[waiter.ticket]?.outcomes[waiter.place] == nil else { return }
        items.calls[waiter.ticket]?.outcomes[waiter.place] = outcome
        items.calls[waiter.ticket]?.items[waiter.place] = nil
        items.calls[waiter.ticket]?.missing -= 1
        let known = items.calls[waiter.ticket]?.seen ?? .none
        items.calls[waiter.ticket]?.seen = max(seen, known)
        respondIfSettled(waiter.ticket)
    }

    private mutating func respondIfSettled(_ ticket: ReplyTicket) {
        guard let call = items.calls[ticket], call.missing == 0 else { return }
        items.calls[ticket] = nil
        open.remove(ticket)
        answer(ticket, .items(.settled(call.outcomes.compactMap { $0 })), seen: call.seen)
    }

    /// The caller is gone: items that only it waits for and that have not left are taken back, but
    /// for durable ones.
    mutating func submitAbandoned(_ ticket: ReplyTicket) {
        guard let call = items.calls.removeValue(forKey: ticket) else { return }
        var batches: Set<Int32> = []
        for id in call.items {
            guard let id, let item = items.items[id] else { continue }
            items.items[id]?.waiters.removeAll { $0.ticket == ticket }
            guard !item.isDurable, items.items[id]?.waiters.isEmpty == true,
                items.cells[item.batch].line.withdraw(id)
            else { continue }
            items.cells[item.batch].counts.abandoned += 1
            forget(id)
            batches.insert(item.batch)
        }
        for batch in batches.sorted() { armBatch(batch) }
    }

    private mutating func forget(_ id: UInt64) {
        guard let item = items.items.removeValue(forKey: id) else { return }
        items.bytes -= item.payload.bytes.count
        if !item.requestID.isEmpty {
            items.named[
                ItemName(batch: items.cells[item.batch].name, requestID: item.requestID)] = nil
        }
    }

    // MARK: Those that are asked for again

    /// Keeps the outcome of an item that has a name, on disk when it is durable.
    ///
    /// - Returns: the batch of the store that holds it.
    private mutating func remember(_ item: ItemCell, _ outcome: ItemOutcome) -> BatchNumber {
        guard !item.requestID.isEmpty else { return .none }
        let name = ItemName(batch: items.cells[item.batch].name, requestID: item.requestID)
        items.named[name] = nil
        let kept = outcome.outcome.kept(bytes: limits.maxEndedItemBytes)
        var ended = EndedItem(
            fingerprint: item.fingerprint, outcome: kept, attempts: outcome.attempts,
            atMillis: now.wallMillis, isStored: item.isDurable, changedIn: .none)
        if item.isDurable { ended.changedIn = store(name, item, ended) }
        items.ended[name] = ended
        items.endedOrder.append(name)
        forgetOldItems()
        return ended.changedIn
    }

    /// Ended items are kept for a time, and so many of them.
    private mutating func forgetOldItems() {
        while items.endedHead < items.endedOrder.count {
            let name = items.endedOrder[items.endedHead]
            let isOld =
                (items.ended[name]?.atMillis ?? 0) < now.wallMillis - limits.endedItemMillis
            guard isOld || items.endedOrder.count - items.endedHead > limits.maxEndedItems else {
                break
            }
            items.endedHead += 1
            if items.ended.removeValue(forKey: name)?.isStored == true {
                put(itemRow(name, nil))
            }
        }
        if items.endedHead > 4_096, items.endedHead * 2 > items.endedOrder.count {
            items.endedOrder.removeFirst(items.endedHead)
            items.endedHead = 0
        }
    }

    // MARK: Rows

    private mutating func itemRow(_ name: ItemName, _ blob: [UInt8]?) -> EntityRow {
        EntityRow(
            kind: .batchItem, namespace: name.batch.namespace.name,
            key: SeriesCodec.key(name.batch.name, name.requestID), blob: blob)
    }

    private mutating func store(_ id: UInt64, _ outcome: StoredItem.Outcome?, attempts: Int) {
        guard let item = items.items[id] else { return }
        let name = ItemName(batch: items.cells[item.batch].name, requestID: item.requestID)
        let stored = StoredItem(
            operation: name.batch.name, requestID: item.requestID, fingerprint: item.fingerprint,
            atMillis: item.atMillis, attempts: attempts, payload: item.payload, outcome: outcome)
        put(itemRow(name, BatchCodec.encode(stored)))
    }

    private mutating func store(
        _ name: ItemName, _ item: ItemCell, _ ended: EndedItem
    ) -> BatchNumber {
        let outcome: StoredItem.Outcome =
            switch ended.outcome {
            case .success(let payload): .value(payload)
            case .failure(let failure): .failure(failure)
            }
        let stored = StoredItem(
            operation: name.batch.name, requestID: name.requestID,
            fingerprint: ended.fingerprint, atMillis: ended.atMillis, attempts: ended.attempts,
            payload: Payload(bytes: []), outcome: outcome)
        return put(itemRow(name, BatchCodec.encode(stored)))
    }

    // MARK: Restoring

    /// Keeps a row for the first turn, which knows the time.
    mutating func keepItem(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        if entity.entityKind == .batchItem {
            _ = try BatchCodec.decodeItem(blob)
            items.restored.append(entity)
        } else {
            let definition = try BatchCodec.decode(blob)
            let name = ScopedName(namespace: Namespace(entity.namespace), name: entity.key)
            _ = insertBatch(name, definition)
        }
    }

    /// Durable items of an earlier process stand in line again, oldest first; ended ones are known.
    mutating func takeUpRestoredItems() {
        if items.restored.isEmpty { return }
        let rows = items.restored
        items.restored = []
        var known: [(name: ItemName, item: StoredItem)] = []
        for row in rows {
            guard let blob = row.blob, let item = try? BatchCodec.decodeItem(blob) else {
                preconditionFailure("a row was readable and is not any more")
            }
            let batch = ScopedName(namespace: Namespace(row.namespace), name: item.operation)
            known.append((ItemName(batch: batch, requestID: item.requestID), item))
        }
        known.sort { ($0.item.atMillis, $0.name.requestID) < ($1.item.atMillis, $1.name.requestID) }
        for (name, item) in known { takeUp(item, name) }
        forgetOldItems()
    }

    private mutating func takeUp(_ item: StoredItem, _ name: ItemName) {
        if let outcome = item.outcome {
            let kept: AssignmentOutcome =
                switch outcome {
                case .value(let payload): .success(payload)
                case .failure(let failure): .failure(failure)
                }
            items.ended[name] = EndedItem(
                fingerprint: item.fingerprint, outcome: kept, attempts: item.attempts,
                atMillis: item.atMillis, isStored: true, changedIn: .none)
            items.endedOrder.append(name)
            return
        }
        guard let batch = items.index[name.batch] else { return }
        items.lastItem += 1
        items.items[items.lastItem] = ItemCell(
            batch: batch, payload: item.payload, requestID: item.requestID,
            fingerprint: item.fingerprint, isDurable: true, atMillis: item.atMillis)
        items.named[name] = items.lastItem
        items.bytes += item.payload.bytes.count
        standInLine(items.lastItem)
        armBatch(batch)
    }
}

extension AssignmentOutcome {
    /// The outcome; a result of more bytes becomes a failure that says that it was well.
    fileprivate func kept(bytes: Int) -> AssignmentOutcome {
        guard case .success(let payload) = self, payload.bytes.count > bytes else { return self }
        return .failure(
            StepFailure(
                type: "result_not_kept",
                message: "the item was carried out, but its result of \(payload.bytes.count) bytes "
                    + "was too large to be kept for another call", retryable: false))
    }
}
