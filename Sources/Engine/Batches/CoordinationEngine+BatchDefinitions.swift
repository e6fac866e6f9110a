import Coordination
import Store

/// Configuring batches, and looking at them.
extension CoordinationEngine {
    mutating func decide(_ command: ItemCommand, _ ticket: ReplyTicket) {
        switch command {
        case .configure(let namespace, let definition, let by):
            configureBatch(namespace, definition, by, ticket)
        case .delete(let namespace, let operation, let by):
            deleteBatch(ScopedName(namespace: namespace, name: operation), by, ticket)
        case .submit(let submit): submitItems(submit, isDurable: false, ticket)
        case .submitDurable(let submit): submitItems(submit, isDurable: true, ticket)
        case .flush(let namespace, let operation):
            flush(ScopedName(namespace: namespace, name: operation), ticket)
        case .stats(let namespace, let operation): batchStats(namespace, operation, ticket)
        }
    }

    // MARK: Definitions

    private mutating func configureBatch(
        _ namespace: Namespace, _ definition: BatchDefinition, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        let blob = BatchCodec.encode(definition)
        let key = RequestLog.Key(
            namespace: namespace, method: "ConfigureBatch", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(blob)
        if case .known(_, let seen) = rememberedAnswer(key, hash: hash.value) {
            return answer(ticket, .items(.configured(definition)), seen: seen)
        }
        if isAnswered(key, hash.value, ticket) { return }
        if let refusal = refusal(of: definition) { return reject(ticket, refusal) }
        let name = ScopedName(namespace: namespace, name: definition.operation)
        let known = items.index[name]
        if known == nil, items.cells.count >= limits.maxBatches {
            return reject(ticket, .tooManyBatches(limits.maxBatches), seen: items.changedIn)
        }
        let before = known.map { items.cells[$0].line.definition }
        let cell = known ?? insertBatch(name, definition)
        items.cells[cell].line.redefine(definition)
        items.cells[cell].changedIn = put(
            EntityRow(
                kind: .batchDefinition, namespace: namespace.name, key: name.name, blob: blob))
        if known == nil { items.changedIn = filling }
        audit(
            namespace: namespace, actor: by.actor, action: "ConfigureBatch",
            subject: "batch/\(name.name)", before: before?.plainText ?? "",
            after: definition.plainText, requestID: by.requestID)
        remember(key, hash: hash.value, answer: [1])
        letLeave(cell)
        answer(ticket, .items(.configured(definition)), seen: filling)
    }

    private mutating func refusal(of definition: BatchDefinition) -> Rejection? {
        if let refusal = refusalOfChanges { return refusal }
        guard let type = pool.type(named: definition.agentType), pool.isKnown(type: type) else {
            return .unknownAgentType(definition.agentType, known: pool.knownTypes)
        }
        if !pool.hasOperation(definition.agentOperation, ofType: type) {
            let known = pool.operations(ofType: type).map(\.name)
            return .unknownOperation(
                definition.agentOperation, of: definition.agentType, known: known)
        }
        return nil
    }

    mutating func insertBatch(_ name: ScopedName, _ definition: BatchDefinition) -> Int32 {
        items.lastSerial += 1
        let cell = items.cells.insert(
            BatchCell(name: name, serial: items.lastSerial, line: BatchLine(definition)))
        items.index[name] = cell
        return cell
    }

    private mutating func deleteBatch(
        _ name: ScopedName, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: name.namespace, method: "DeleteBatch", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(name.name)
        if case .known(_, let seen) = rememberedAnswer(key, hash: hash.value) {
            return answer(ticket, .items(.deleted), seen: seen)
        }
        if isAnswered(key, hash.value, ticket) { return }
        guard let cell = items.index[name] else { return rejectUnknownBatch(name, ticket) }
        let open = items.items.values.count { $0.batch == cell }
        if open > 0 { return reject(ticket, .batchInUse(name.name, open)) }
        if items.cells[cell].timer >= 0 { timers.remove(items.cells[cell].timer) }
        items.cells.remove(cell)
        items.index[name] = nil
        put(
            EntityRow(
                kind: .batchDefinition, namespace: name.namespace.name, key: name.name, blob: nil))
        items.changedIn = audit(
            namespace: name.namespace, actor: by.actor, action: "DeleteBatch",
            subject: "batch/\(name.name)", requestID: by.requestID)
        remember(key, hash: hash.value, answer: [1])
        answer(ticket, .items(.deleted), seen: filling)
    }

    // MARK: Looking

    private mutating func flush(_ name: ScopedName, _ ticket: ReplyTicket) {
        guard let cell = items.index[name] else { return rejectUnknownBatch(name, ticket) }
        let count = items.cells[cell].line.flush()
        letLeave(cell)
        answer(ticket, .items(.flushed(count)), seen: items.cells[cell].changedIn)
    }

    private mutating func batchStats(
        _ namespace: Namespace, _ operation: String?, _ ticket: ReplyTicket
    ) {
        if let operation, items.index[ScopedName(namespace: namespace, name: operation)] == nil {
            return rejectUnknownBatch(ScopedName(namespace: namespace, name: operation), ticket)
        }
        var seen = items.changedIn
        let names = operation.map { [$0] } ?? items.names(in: namespace)
        let all = names.compactMap { name -> BatchStats? in
            guard let cell = items.index[ScopedName(namespace: namespace, name: name)] else {
                return nil
            }
            seen = max(seen, items.cells[cell].changedIn)
            return stats(cell)
        }
        answer(ticket, .items(.stats(all)), seen: seen)
    }

    private mutating func stats(_ cell: Int32) -> BatchStats {
        let line = items.cells[cell].line
        let oldest = line.oldestNanos.map { max(0, now.monotonicNanos - $0) / 1_000_000 }
        return BatchStats(
            definition: line.definition, waitingItems: line.waitingCount,
            waitingBytes: line.waitingBytes, inFlightBatches: line.flyingCount,
            inFlightItems: line.flyingItems, oldestWaitMillis: oldest ?? 0,
            counts: items.cells[cell].counts)
    }

    mutating func rejectUnknownBatch(_ name: ScopedName, _ ticket: ReplyTicket) {
        reject(
            ticket, .unknownBatch(name.name, known: items.names(in: name.namespace)),
            seen: items.changedIn)
    }
}
