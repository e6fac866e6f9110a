import Coordination
import Store

/// A page of shared memory as it is on disk.
public struct MemoryReading: Sendable {
    /// In the order that was asked for.
    public var changes: [MemoryChange] = []
    /// Where the next page of changes begins.
    public var next: MemoryPosition?
    public var isLast = true
    /// The newest revision on disk.
    public var revision: Int64 = 0
    /// The oldest revision that a watch may begin from.
    public var oldest: Int64 = 1
}

/// Reads of shared memory that do not trouble the engine: committed state, one page a transaction.
extension EngineHost {
    /// Reads one page.
    ///
    /// - Parameter completion: runs on a thread of the store's and must not block.
    public func readMemory(
        _ query: MemoryQuery,
        completion: @escaping @Sendable (Result<MemoryReading, Rejection>) -> Void
    ) {
        store.query(.memory(query)) { result in
            do {
                guard case .memory(let page) = try result.get() else {
                    return completion(.success(MemoryReading()))
                }
                completion(.success(try MemoryReading(page)))
            } catch let error as StoreError where error.code == .overloaded {
                completion(.failure(.maintenance(error)))
            } catch {
                completion(.failure(.unreadable(error)))
            }
        }
    }
}

extension MemoryReading {
    fileprivate init(_ page: MemoryPage) throws(CodecError) {
        next = page.next
        isLast = page.isLast
        if let line = page.line {
            (revision, oldest) = try MemoryCodec.decodeLine(line)
        }
        changes.reserveCapacity(page.rows.count)
        for (index, row) in page.rows.enumerated() {
            var change = try Self.change(row)
            if index < page.previous.count, let previous = page.previous[index] {
                let before = try Self.change(previous)
                if before.kind == .put { change.previous = before.entry }
            }
            changes.append(change)
        }
    }

    private static func change(_ row: MemoryRow) throws(CodecError) -> MemoryChange {
        try MemoryCodec.decode(
            row.meta, key: row.key, revision: row.revision, value: row.value ?? [])
    }
}
