/// The stored form of shared memory: what is known of a change besides its value, and the state of
/// a namespace's revision line. Format version first.
public enum MemoryCodec {
    /// Stored bytes of a change, without key, revision and value, which have columns of their own.
    public static func encode(_ change: MemoryChange) -> [UInt8] {
        let entry = change.entry
        var writer = ByteWriter(capacity: 64)
        writer.byte(1)
        writer.byte(change.kind.rawValue)
        writer.string(entry.value.contentType == Payload.json ? "" : entry.value.contentType)
        writer.signed(entry.createdRevision)
        writer.signed(entry.version)
        writer.signed(entry.createdMillis)
        writer.signed(entry.updatedMillis)
        writer.string(entry.actor)
        writer.signed(entry.expiresMillis)
        return writer.bytes
    }

    /// A change from its columns.
    public static func decode(
        _ bytes: [UInt8], key: MemoryKey, revision: Int64, value: [UInt8]
    ) throws(CodecError) -> MemoryChange {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let code = try reader.byte()
        guard let kind = MemoryChange.Kind(rawValue: code) else {
            throw CodecError("a change of kind \(code)", at: 1)
        }
        let type = try reader.string()
        return MemoryChange(
            kind: kind,
            entry: MemoryEntry(
                key: key,
                value: Payload(bytes: value, contentType: type.isEmpty ? Payload.json : type),
                revision: revision, createdRevision: try reader.signed(),
                version: try reader.signed(), createdMillis: try reader.signed(),
                updatedMillis: try reader.signed(), actor: try reader.string(),
                expiresMillis: try reader.signed()))
    }

    /// Stored bytes of where a namespace stands: its newest revision, and the oldest that a watch may
    /// begin from.
    public static func encode(revision: Int64, oldest: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 24)
        writer.byte(2)
        writer.signed(revision)
        writer.signed(oldest)
        return writer.bytes
    }

    /// Where a namespace stands, from its stored bytes.
    public static func decodeLine(
        _ bytes: [UInt8]
    ) throws(CodecError) -> (revision: Int64, oldest: Int64) {
        var reader = ByteReader(bytes)
        let version = try reader.version(newest: 2)
        let revision = try reader.signed()
        if version == 2 { return (revision, try reader.signed()) }
        // Version 1 has the pieces of the window, the first revision of the first one in front.
        return (revision, try reader.count() > 0 ? try reader.signed() : 1)
    }
}
