/// A key in a namespace, with its hash. Made by ``CacheNamespace/key(_:)``; keep it where the same
/// key is asked for again and again.
public struct CacheKey: Hashable, Sendable {
    /// The key as its users write it.
    public let text: String
    /// The namespace's number.
    let space: UInt32
    /// Differs from process to process, so that nobody can choose keys that meet.
    let hash: UInt64

    init(_ text: String, space: UInt32) {
        self.text = text
        self.space = space
        hash = KeyedHash.ofProcess(UInt64(space), text)
    }

    /// A key whose hash is known.
    init(_ text: String, space: UInt32, hash: UInt64) {
        self.text = text
        self.space = space
        self.hash = hash
    }

    /// The same key as one of another agent's tier.
    @inline(__always)
    func hash(of owner: CacheReader?) -> UInt64 {
        guard let owner else { return hash }
        return hash ^ (owner.hash &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Hashes that differ tell at once; they also tell texts apart that only look alike.
    @inline(__always)
    public static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.hash == right.hash && left.space == right.space && left.text == right.text
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// The agent that reads or writes.
public struct CacheReader: Hashable, Sendable {
    /// The agent's id.
    public let id: String
    let hash: UInt64

    /// The reader with this id.
    public init(_ id: String) {
        self.id = id
        hash = KeyedHash.ofProcess(0, id)
    }

    /// As of a ``CacheKey``.
    public static func == (left: CacheReader, right: CacheReader) -> Bool {
        left.hash == right.hash && left.id == right.id
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// A tag in a namespace.
struct CacheTag: Hashable, Sendable {
    let space: UInt32
    let text: String

    static func == (left: CacheTag, right: CacheTag) -> Bool {
        left.space == right.space && left.text.utf8.count == right.text.utf8.count
            && left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Of the bytes: the text's own hash is one for all texts that look alike.
    func hash(into hasher: inout Hasher) {
        hasher.combine(KeyedHash.ofProcess(UInt64(space), text))
    }
}
