import Coordination
import Store
import Threads

/// Reads committed runs, with the definitions they were started with. Never asks the engine.
final class RunReader: Sendable {
    /// Definitions kept in memory, beside those that the engine holds.
    private static let maxPlans = 1_000

    private let store: any Store
    private let plans = Locked<[PayloadID: WorkflowPlan]>([:])

    init(store: any Store) { self.store = store }

    /// One stored run with what is needed to show it.
    struct StoredRun: Sendable {
        var state: RunState
        var summary: RunSummary { state.summary }
        var result: PayloadID? { state.result }
    }

    /// The run that a reference means, if the store has it.
    func find(
        _ reference: RunReference,
        completion: @escaping @Sendable (Result<StoredRun?, Rejection>) -> Void
    ) {
        switch reference {
        case .run(let namespace, let id):
            row(.run(id), namespace, completion)
        case .workflow(let namespace, let name):
            let query = StoreQuery.latestRun(namespace: namespace.name, workflowID: name)
            row(query, namespace, completion)
        }
    }

    private func row(
        _ query: StoreQuery, _ namespace: Namespace,
        _ completion: @escaping @Sendable (Result<StoredRun?, Rejection>) -> Void
    ) {
        store.query(query) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.run(let row?)) where row.namespace == namespace.name:
                runs([row]) { completion($0.map(\.first)) }
            case .success: completion(.success(nil))
            }
        }
    }

    /// A page of what is known of stored publications, behind a sequence; empty behind the last.
    func publicationMarks(
        _ namespace: Namespace, after: Int64
    ) async throws(StoreError) -> [PublicationMark] {
        let query = StoreQuery.publicationMarks(
            namespace: namespace.name, after: after, limit: Self.marksAtOnce)
        let result = await withCheckedContinuation { continuation in
            store.query(query) { continuation.resume(returning: $0) }
        }
        if case .publicationMarks(let marks) = try result.get() { return marks }
        return []
    }

    private static let marksAtOnce = 10_000

    /// Rows as people look at them; definitions that are not at hand are loaded in one go.
    func runs(
        _ rows: [RunRow], completion: @escaping @Sendable (Result<[StoredRun], Rejection>) -> Void
    ) {
        do throws(CodecError) {
            var ids: Set<PayloadID> = []
            for row in rows { ids.insert(try RunCodec.planID(of: row.blob)) }
            plans(Array(ids)) { [self] result in
                completion(result.flatMap { self.decode(rows, $0) })
            }
        } catch {
            completion(.failure(.unreadable(error)))
        }
    }

    private func decode(
        _ rows: [RunRow], _ plans: [PayloadID: WorkflowPlan]
    ) -> Result<[StoredRun], Rejection> {
        do throws(CodecError) {
            var runs: [StoredRun] = []
            for row in rows {
                runs.append(StoredRun(state: try Self.state(of: row, plans)))
            }
            return .success(runs)
        } catch {
            return .failure(.unreadable(error))
        }
    }

    /// A stored run in full.
    static func state(
        of row: RunRow, _ plans: [PayloadID: WorkflowPlan]
    ) throws(CodecError) -> RunState {
        guard let plan = plans[try RunCodec.planID(of: row.blob)] else {
            throw CodecError("the definition of run \(row.run) is not in the store", at: 1)
        }
        let columns = RunCodec.Columns(
            id: row.run, namespace: Namespace(row.namespace), workflowID: row.workflowID,
            status: row.status, startedMillis: row.startedMillis, closedMillis: row.closedMillis)
        return try RunCodec.decode(row.blob, columns, plan: plan)
    }

    /// The definitions with these ids. Ones that the store does not have are absent.
    func plans(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: WorkflowPlan], Rejection>) -> Void
    ) {
        let known = plans.withLock { $0 }
        let missing = ids.filter { known[$0] == nil }
        if missing.isEmpty { return completion(.success(known)) }
        store.loadPayloads(missing) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(let found): completion(remember(found, known))
            }
        }
    }

    private func remember(
        _ found: [PayloadID: Payload], _ known: [PayloadID: WorkflowPlan]
    ) -> Result<[PayloadID: WorkflowPlan], Rejection> {
        var read: [PayloadID: WorkflowPlan] = [:]
        for (id, payload) in found {
            do {
                read[id] = try WorkflowPlan(stored: DefinitionCodec.decode(payload.bytes))
            } catch {
                return .failure(.unreadable(error))
            }
        }
        let fresh = read
        plans.withLock { plans in
            if plans.count + fresh.count > Self.maxPlans { plans = [:] }
            plans.merge(fresh) { _, new in new }
        }
        return .success(known.merging(fresh) { _, new in new })
    }
}

extension Rejection {
    /// The store could not be read. The caller may try again; an operator should look.
    static func unreadable(_ error: any Error) -> Rejection {
        let what = (error as? StoreError)?.message ?? "\(error)"
        return Rejection(
            .unavailable, reason: "STORE_UNREADABLE",
            "the store could not be read (\(what)); try again, and look at the server's log")
    }
}
