import Coordination
import Store

/// Short ways to make rows; every value differs so that a swapped column is seen.
enum Rows {
    static func run(
        _ id: RunID, namespace: String = "shop", workflow: String = "order-1",
        definition: String = "calendar", status: UInt8 = 1, closed: Int64? = nil,
        blob: [UInt8] = [1, 2, 3]
    ) -> RunRow {
        RunRow(
            run: id, namespace: namespace, workflowID: workflow, definition: definition,
            status: status, startedMillis: 1_700_000_000_123, closedMillis: closed, blob: blob)
    }

    static func history(_ run: RunID, _ first: Int64, count: Int = 1) -> HistoryRow {
        HistoryRow(run: run, firstSequence: first, count: count, blob: [1, UInt8(first % 250)])
    }

    static func payload(_ id: PayloadID, of run: RunID, bytes: [UInt8]) -> PayloadRow {
        PayloadRow(id: id, run: run, payload: Payload(bytes: bytes))
    }

    static func definition(_ name: String, namespace: String = "shop", version: String = "1")
        -> DefinitionRow
    {
        DefinitionRow(
            namespace: namespace, name: name, version: version, updatedMillis: 1_700_000_000_456,
            blob: Array(name.utf8))
    }

    static func request(_ id: String, atHour hour: Int64 = 0) -> RequestRow {
        RequestRow(
            namespace: "shop", method: "Start", requestID: id, contentHash: .max - 7,
            createdMillis: hour * 3_600_000 + 5, answer: [9, 8])
    }
}

extension Rows {
    static func entity(
        _ key: String, kind: EntityKind = .breaker, namespace: String = "shop",
        blob: [UInt8]? = [1, 7]
    ) -> EntityRow {
        EntityRow(kind: kind, namespace: namespace, key: key, blob: blob)
    }

    static func audit(
        _ action: String, subject: String = "breaker/a", namespace: String = "shop"
    ) -> AuditRow {
        AuditRow(
            atMillis: 1_700_000_000_789, namespace: namespace, actor: "ann", action: action,
            subject: subject, before: "closed", after: "open", requestID: "q-\(action)")
    }
}

extension RunID {
    /// The `counter`-th run of the first epoch.
    init(_ counter: UInt32) {
        self.init(serial: Serial(epoch: Epoch(rawValue: 1), counter: counter))
    }
}

extension PayloadID {
    /// The `counter`-th payload of the first epoch.
    init(_ counter: UInt32) {
        self.init(serial: Serial(epoch: Epoch(rawValue: 1), counter: counter))
    }
}

extension Epoch {
    /// The `number`-th batch of this epoch, on the only shard unless told.
    func batch(
        _ number: UInt64, shard: ShardID = .only, _ fill: (inout StoreBatch) -> Void = { _ in }
    ) -> StoreBatch {
        var batch = StoreBatch(
            shard: shard, epoch: self, number: BatchNumber(rawValue: number))
        fill(&batch)
        return batch
    }
}
