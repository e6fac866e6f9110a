/// A key that is paused, as it is stored and listed.
public struct KeyPause: Sendable, Hashable {
    /// When it goes on by itself, wall clock milliseconds.
    public var untilMillis: Int64
    /// When it was paused, wall clock milliseconds.
    public var sinceMillis: Int64
    /// Why and by whom; may be empty.
    public var reason: String
    public var actor: String

    /// Combines the parts.
    public init(untilMillis: Int64, sinceMillis: Int64, reason: String, actor: String) {
        self.untilMillis = untilMillis
        self.sinceMillis = sinceMillis
        self.reason = reason
        self.actor = actor
    }
}

/// The stored form of what is kept of keys over a restart: pauses, and the paces of rates.
public enum KeyCodec {
    /// Stored bytes of a pause.
    public static func encode(_ pause: KeyPause) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.byte(1)
        writer.signed(pause.untilMillis)
        writer.signed(pause.sinceMillis)
        writer.string(pause.reason)
        writer.string(pause.actor)
        return writer.bytes
    }

    /// A pause from its stored bytes.
    public static func decodePause(_ bytes: [UInt8]) throws(CodecError) -> KeyPause {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return KeyPause(
            untilMillis: try reader.signed(), sinceMillis: try reader.signed(),
            reason: try reader.string(), actor: try reader.string())
    }

    /// Stored bytes of a pace: when the next attempt may begin, wall clock milliseconds.
    public static func encode(paceMillis: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.signed(paceMillis)
        return writer.bytes
    }

    /// A pace from its stored bytes.
    public static func decodePace(_ bytes: [UInt8]) throws(CodecError) -> Int64 {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return try reader.signed()
    }
}
