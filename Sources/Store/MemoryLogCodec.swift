import Coordination

/// Changes of one namespace packed into one row of the log: format version, then each with its
/// revisions as differences. Whoever looks for a key passes over the others without copying them.
enum MemoryLogCodec {
    /// Changes with so many bytes fill a row, but those of one revision stay together.
    static let rowBytes = 64 << 10

    /// The rows that hold changes of one namespace, which ascend.
    static func rows(_ changes: ArraySlice<MemoryRow>) -> [ArraySlice<MemoryRow>] {
        var rows: [ArraySlice<MemoryRow>] = []
        var start = changes.startIndex
        var bytes = 0
        for index in changes.indices {
            if bytes >= rowBytes, changes[index].revision != changes[index - 1].revision {
                rows.append(changes[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += changes[index].byteCount
        }
        if start < changes.endIndex { rows.append(changes[start...]) }
        return rows
    }

    /// Stored bytes of a row.
    static func pack(_ changes: ArraySlice<MemoryRow>) -> [UInt8] {
        let bytes = changes.reduce(0) { $0 + $1.byteCount + 16 }
        var writer = ByteWriter(capacity: bytes)
        writer.byte(1)
        var before: Int64 = 0
        for change in changes {
            writer.signed(change.revision - before)
            writer.signed(change.previous == 0 ? 0 : change.revision - change.previous)
            writer.counted(change.key.bytes)
            writer.counted(change.meta)
            writer.bool(change.value != nil)
            if let value = change.value { writer.counted(value) }
            before = change.revision
        }
        return writer.bytes
    }

    /// A change as a part of its row.
    struct Packed {
        var revision: Int64
        var previous: Int64
        var key: ArraySlice<UInt8>
        var meta: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>?

        /// Whether it is a change of a key.
        func isOf(_ other: MemoryKey) -> Bool { key.elementsEqual(other.bytes) }

        /// A copy of it.
        func row(_ namespace: String, keysOnly: Bool = false) -> MemoryRow {
            MemoryRow(
                namespace: namespace, key: MemoryKey(String(decoding: key, as: UTF8.self)),
                revision: revision, previous: previous, meta: Array(meta),
                value: keysOnly ? nil : value.map { Array($0) })
        }
    }

    /// The changes of a row, in order.
    static func changes(_ row: [UInt8]) throws(SQLiteFailure) -> [Packed] {
        do throws(CodecError) {
            var reader = ByteReader(row)
            _ = try reader.version(newest: 1)
            var changes: [Packed] = []
            var revision: Int64 = 0
            while reader.remaining > 0 {
                revision &+= try reader.signed()
                changes.append(try change(revision, &reader))
            }
            return changes
        } catch {
            throw SQLiteFailure(unreadable: "the log of shared memory: \(error)")
        }
    }

    private static func change(
        _ revision: Int64, _ reader: inout ByteReader
    ) throws(CodecError) -> Packed {
        let back = try reader.signed()
        return Packed(
            revision: revision, previous: back == 0 ? 0 : revision &- back,
            key: try reader.slice(), meta: try reader.slice(),
            value: try reader.bool() ? try reader.slice() : nil)
    }
}
