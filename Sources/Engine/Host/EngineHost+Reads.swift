import Coordination
import Store

/// Reads of committed state that do not trouble the engine. Completions run on the calling thread
/// or one of the store's; they must not block.
extension EngineHost {
    /// Events of a run from a sequence number on, oldest first, at most `limit` (1 to 10,000).
    public func history(
        run: RunID, from sequence: Int64, limit: Int,
        completion: @escaping @Sendable (Result<[HistoryEvent], Rejection>) -> Void
    ) {
        let query = StoreQuery.history(run: run, fromSequence: sequence, limit: limit)
        store.query(query) { result in
            completion(Self.events(result, from: sequence, limit: limit))
        }
    }

    private static func events(
        _ result: Result<StoreAnswer, StoreError>, from sequence: Int64, limit: Int
    ) -> Result<[HistoryEvent], Rejection> {
        do {
            guard case .history(let rows) = try result.get() else { return .success([]) }
            var events: [HistoryEvent] = []
            for row in rows { events += try HistoryCodec.decode(row.blob) }
            return .success(Array(events.drop { $0.sequence < sequence }.prefix(limit)))
        } catch {
            return .failure(.unreadable(error))
        }
    }

    /// Runs of a namespace, newest first.
    ///
    /// - Parameters:
    ///   - definition: only runs of this definition; `nil`: all.
    ///   - before: the last run of the page before; `nil`: the first page.
    ///   - limit: 1 to 1,000.
    public func runs(
        namespace: Namespace, definition: String?, openOnly: Bool, before: RunID?, limit: Int,
        completion: @escaping @Sendable (Result<[RunSummary], Rejection>) -> Void
    ) {
        let query = StoreQuery.runs(
            namespace: namespace.name, definition: definition, openOnly: openOnly,
            before: before, limit: limit)
        store.query(query) { [reader] result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.runs(let rows)):
                reader.runs(rows) { completion($0.map { $0.map(\.summary) }) }
            case .success: completion(.success([]))
            }
        }
    }

    /// Stored payloads by id; ids that the store does not have are absent.
    public func payloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], Rejection>) -> Void
    ) {
        if ids.isEmpty { return completion(.success([:])) }
        store.loadPayloads(ids) { completion($0.mapError { .unreadable($0) }) }
    }

    /// Stored entities of a kind and namespace by ascending key; for kinds that the engine does
    /// not hold.
    ///
    /// - Parameters:
    ///   - after: the last key of the page before; `nil`: the first page.
    ///   - limit: 1 to 1,000.
    public func entities(
        kind: EntityKind, namespace: Namespace, after: String?, limit: Int,
        completion: @escaping @Sendable (Result<[EntityRow], Rejection>) -> Void
    ) {
        let query = StoreQuery.entities(
            kind: kind, namespace: namespace.name, after: after, limit: limit)
        store.query(query) { result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.entities(let rows)): completion(.success(rows))
            case .success: completion(.success([]))
            }
        }
    }

    /// The audit log, newest first.
    ///
    /// - Parameters:
    ///   - namespace: only its lines; `nil`: all.
    ///   - subject: only lines about it; `nil`: all.
    ///   - before: the last number of the page before; `nil`: the first page.
    ///   - limit: 1 to 1,000.
    public func listAudit(
        namespace: Namespace?, subject: String?, before: Int64?, limit: Int,
        completion: @escaping @Sendable (Result<[AuditRow], Rejection>) -> Void
    ) {
        let query = StoreQuery.audit(
            namespace: namespace?.name, subject: subject, before: before, limit: limit)
        store.query(query) { result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.audit(let rows)): completion(.success(rows))
            case .success: completion(.success([]))
            }
        }
    }

    // MARK: Questions that the engine passed on

    /// Answers about a run that has left the engine's memory, or never was.
    func look(_ lookup: RunLookup) {
        reader.find(lookup.reference) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let rejection): failed(lookup, rejection)
            case .success(nil): notFound(lookup)
            case .success(let run?): found(run, lookup)
            }
        }
    }

    /// A workflow id that no run bears may still be the id of a run that has no other name.
    private func notFound(_ lookup: RunLookup) {
        guard case .workflow(let namespace, let name) = lookup.reference, let id = RunID(name)
        else {
            if case .reuse(let name, let namespace) = lookup.purpose {
                return post([.reuseKnown(.success(nil), namespace, name, lookup.ticket)])
            }
            return failed(lookup, .unknownRun(lookup.reference))
        }
        var byID = lookup
        byID.reference = .run(namespace, id)
        look(byID)
    }

    private func found(_ run: RunReader.StoredRun, _ lookup: RunLookup) {
        let summary = run.summary
        if case .reuse(let name, let namespace) = lookup.purpose {
            return post([.reuseKnown(.success(summary), namespace, name, lookup.ticket)])
        }
        guard summary.status.isClosed else { return stillOpen(summary, lookup) }
        switch lookup.purpose {
        case .operate(let order): operate(order, run, lookup)
        case .operated: reply(lookup, .operated(summary))
        case .explain: reply(lookup, .insight(.explained(summary, [])))
        case .graph: reply(lookup, .insight(.graph(summary, sequence: 0)))
        case .reuse: break
        case .cancel:
            if summary.status == .cancelled { return reply(lookup, .cancelled(summary)) }
            reply(lookup, .rejected(.runClosed(summary)))
        case .watch:
            reply(lookup, .watching(lastSequence: summary.lastSequence))
            withResult(run, lookup) { .runClosed(summary, result: $0) }
        case .await: withResult(run, lookup) { .runClosed(summary, result: $0) }
        case .get: withResult(run, lookup) { .run(summary, result: $0) }
        }
    }

    /// It was started since the engine was asked: the engine is asked again, by id.
    private func stillOpen(_ run: RunSummary, _ lookup: RunLookup) {
        if case .run = lookup.reference {
            return failed(lookup, .runChanging(run.id))
        }
        let reference = RunReference.run(run.namespace, run.id)
        switch lookup.purpose {
        case .get: post([.getRun(reference, lookup.ticket)])
        case .await: post([.awaitRun(reference, lookup.ticket)])
        case .watch: post([.watchRun(reference, lookup.ticket)])
        case .operated: reply(lookup, .operated(run))
        case .explain: post([.insight(.explain(reference), lookup.ticket)])
        case .graph: post([.insight(.graph(reference), lookup.ticket)])
        case .reuse: break
        case .operate(let order):
            post([.operateRun(order.about(reference), lookup.ticket)])
        case .cancel(let reason):
            post([.cancelRun(CancelRun(run: reference, reason: reason), lookup.ticket)])
        }
    }

    /// A closed run: the engine takes it up again for a retry, which names it by its id; everything
    /// else comes too late.
    private func operate(
        _ order: OperateRun, _ run: RunReader.StoredRun, _ lookup: RunLookup
    ) {
        guard case .retry = order.operation else {
            if case .terminate = order.operation, run.state.status == .terminated {
                return reply(lookup, .operated(run.summary))
            }
            return reply(lookup, .rejected(.runEnded(run.summary)))
        }
        if case .run = order.run {
            return post([.loaded(.success(run.state), order, lookup.ticket)])
        }
        let reference = RunReference.run(run.state.namespace, run.state.id)
        post([.operateRun(order.about(reference), lookup.ticket)])
    }

    /// The engine must hear of it when it waits for the run.
    private func failed(_ lookup: RunLookup, _ rejection: Rejection) {
        if case .operate(let order) = lookup.purpose, case .retry = order.operation {
            return post([.loaded(.failure(rejection), order, lookup.ticket)])
        }
        if case .reuse(let name, let namespace) = lookup.purpose {
            return post([.reuseKnown(.failure(rejection), namespace, name, lookup.ticket)])
        }
        reply(lookup, .rejected(rejection))
    }

    private func withResult(
        _ run: RunReader.StoredRun, _ lookup: RunLookup,
        _ answer: @escaping @Sendable (Payload?) -> Answer
    ) {
        guard let id = run.result else { return reply(lookup, answer(nil)) }
        payloads([id]) { [weak self] result in
            switch result {
            case .failure(let rejection): self?.reply(lookup, .rejected(rejection))
            case .success(let found): self?.reply(lookup, answer(found[id]))
            }
        }
    }

    private func reply(_ lookup: RunLookup, _ answer: Answer) {
        deliver([Reply(lookup.ticket, answer)])
    }
}
