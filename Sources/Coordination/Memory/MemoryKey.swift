/// Names an entry of shared memory inside a namespace: 1 to 1,024 bytes of UTF-8, compared and
/// ordered as bytes.
///
/// Not a `String`: two of those are equal when they look alike, two keys only when all bytes are.
public struct MemoryKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The UTF-8 bytes.
    public let bytes: [UInt8]

    /// The longest key, in bytes.
    public static let maxBytes = 1_024

    /// Takes a text's bytes.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// Takes bytes that are known to be UTF-8.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether it begins with another one's bytes.
    public func hasPrefix(_ prefix: MemoryKey) -> Bool { bytes.starts(with: prefix.bytes) }

    /// By their bytes.
    public static func < (a: MemoryKey, b: MemoryKey) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }

    public var description: String { text }
}

/// Which keys somebody watches.
public enum MemoryScope: Sendable, Hashable {
    case key(MemoryKey)
    /// All keys that begin so; an empty one: all keys.
    case prefix(MemoryKey)

    /// Whether a key belongs to it.
    public func contains(_ key: MemoryKey) -> Bool {
        switch self {
        case .key(let own): own == key
        case .prefix(let prefix): key.hasPrefix(prefix)
        }
    }
}
