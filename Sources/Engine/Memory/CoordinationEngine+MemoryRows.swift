import Coordination
import Store

/// Shared memory: what is written of it, and what an earlier process wrote.
extension CoordinationEngine {
    /// Writes what was changed, tells watchers, and sets the timer.
    mutating func noteMemory(_ outcome: MemorySpace.Outcome, _ cell: Int) {
        if outcome.changes.isEmpty { return }
        let namespace = memory.cells[cell].namespace.name
        for change in outcome.changes {
            draft.memory.append(
                MemoryRow(
                    namespace: namespace, key: change.entry.key, revision: change.entry.revision,
                    previous: change.previous?.revision ?? 0, meta: MemoryCodec.encode(change),
                    value: change.kind == .put ? change.entry.value.bytes : nil))
        }
        if let passed = outcome.passed { settle(passed, cell) }
        if !memory.cells[cell].isDirty {
            memory.cells[cell].isDirty = true
            memory.dirty.append(Int32(cell))
        }
        tellMemoryWatchers(outcome.changes, cell)
        armMemory(cell)
    }

    /// Writes where the lines stand that the filling batch moved.
    mutating func sealMemory(_ batch: inout StoreBatch) {
        for number in memory.dirty {
            let cell = Int(number)
            memory.cells[cell].isDirty = false
            let blob = MemoryCodec.encode(
                revision: memory.cells[cell].space.line.revision,
                oldest: memory.cells[cell].space.window.oldest)
            batch.entities.append(
                EntityRow(
                    kind: .memoryLine, namespace: memory.cells[cell].namespace.name, key: "",
                    blob: blob))
        }
        if !batch.memory.isEmpty {
            // Once for all that was changed: a notice for each would be kept until the commit.
            draft.effects.notices.append(.memory(.changed(count: batch.memory.count)))
        }
        if !memory.dirty.isEmpty { draft.effects.notices.append(.memory(.gauges(memory.gauges))) }
        memory.dirty.removeAll(keepingCapacity: true)
    }

    /// What leaves the window is written where it is found by key.
    private mutating func settle(_ passed: MemorySpace.Passed, _ cell: Int) {
        let namespace = memory.cells[cell].namespace.name
        draft.memorySettlements.append(
            MemorySettlement(
                namespace: namespace, below: passed.below,
                held: passed.held.map { entry in
                    MemoryRow(
                        namespace: namespace, key: entry.key, revision: entry.revision,
                        meta: MemoryCodec.encode(MemoryChange(kind: .put, entry: entry)),
                        value: entry.value.bytes)
                }, gone: passed.gone, keep: memory.cells[cell].space.limits.keptPerKey))
    }

    // MARK: Taking up

    /// Where a namespace's revision line stood.
    mutating func restoreLine(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let (revision, oldest) = try MemoryCodec.decodeLine(blob)
        _ = memory.insert(
            Namespace(entity.namespace),
            MemorySpace(limits: limits.memory, revision: revision, oldest: oldest))
    }

    /// A change of shared memory, after its namespace's line; see ``RecoveryPage/memory``.
    public mutating func restore(_ row: MemoryRow) throws(CodecError) {
        let change = try MemoryCodec.decode(
            row.meta, key: row.key, revision: row.revision, value: row.value ?? [])
        guard let cell = memory.find(Namespace(row.namespace)) else {
            throw CodecError("a key of shared memory without its namespace's revision", at: 0)
        }
        memory.change(cell) { $0.restore(change) }
        memory.isRestored = true
    }

    /// Sets the ends of restored entries, now that the time is known.
    mutating func takeUpRestoredMemory() {
        guard memory.isRestored else { return }
        memory.isRestored = false
        let time = now
        for cell in memory.cells.indices {
            memory.cells[cell].space.armRestored { time.monotonicNanos(atWallMillis: $0) }
            armMemory(cell)
        }
    }
}
