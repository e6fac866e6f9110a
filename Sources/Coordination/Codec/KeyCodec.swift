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

    /// Stored bytes of a pace: when the next attempt may begin, wall clock milliseconds, and how long
    /// that was to wait when it was stored.
    public static func encode(paceMillis: Int64, waitMillis: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 20)
        writer.byte(2)
        writer.signed(paceMillis)
        writer.signed(waitMillis)
        return writer.bytes
    }

    /// A pace from its stored bytes; version 1 does not say how long it was to wait.
    public static func decodePace(
        _ bytes: [UInt8]
    ) throws(CodecError) -> (millis: Int64, waitMillis: Int64) {
        var reader = ByteReader(bytes)
        let version = try reader.version(newest: 2)
        let millis = try reader.signed()
        return (millis, version < 2 ? .max : try reader.signed())
    }
}
