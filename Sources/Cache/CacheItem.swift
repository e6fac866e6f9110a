/// Bytes and what they are.
public struct CachedPayload: Sendable, Equatable {
    /// The bytes; the cache never looks at them.
    public let bytes: [UInt8]
    /// Their media type; empty means `application/json`.
    public let contentType: String

    /// A payload.
    public init(bytes: [UInt8], contentType: String = "") {
        self.bytes = bytes
        self.contentType = contentType
    }
}

/// Where a value lies.
public enum CacheTier: UInt8, Sendable, CaseIterable {
    /// The tier of one agent.
    case agent
    /// The tier of all.
    case shared
}

/// One value as it was set: never changed, only replaced.
public final class CacheItem: Sendable {
    // What every lookup reads comes first, so that it lies in one line of memory.
    private let text: String
    private let space: UInt32
    /// Whether it is known that there is no value.
    let isNegative: Bool
    /// When the hard and the soft TTL end, monotonic nanoseconds.
    public let expiresAt, staleAt: Int64
    let hash: UInt64
    /// Whose tier it is in; `nil`: the shared one.
    let owner: CacheReader?
    /// The value; `nil`: it is known that there is none.
    public let payload: CachedPayload?
    /// Grows with each write of the key.
    public let version: UInt64
    /// How long the fill took that brought it; 0: it was not filled under a lease.
    let fillNanos: Int64
    let tags: [String]
    let weight: Int

    /// What the table needs for an entry: object, node, index, ghosts, sketches.
    static let overheadBytes = 256
    private static let tagOverheadBytes = 96

    init(
        _ key: CacheKey, owner: CacheReader?, payload: CachedPayload?, staleAt: Int64,
        expiresAt: Int64, version: UInt64, fillNanos: Int64, tags: [String], weight: Int?
    ) {
        text = key.text
        space = key.space
        hash = key.hash
        isNegative = payload == nil
        self.owner = owner
        self.payload = payload
        self.staleAt = staleAt
        self.expiresAt = expiresAt
        self.version = version
        self.fillNanos = fillNanos
        self.tags = tags
        self.weight = weight ?? Self.weigh(key, owner, payload, tags)
    }

    /// The same value in another tier: that of an agent, or the shared one.
    func owned(by owner: CacheReader?) -> CacheItem {
        CacheItem(
            key, owner: owner, payload: payload, staleAt: staleAt, expiresAt: expiresAt,
            version: version, fillNanos: fillNanos, tags: tags, weight: weight)
    }

    /// The same value with memory of its own, but without tags, which only entries need; `nil`: key,
    /// payload and content type take more than `maxBytes`.
    func nearCopy(maxBytes: Int) -> CacheItem? {
        let type = payload?.contentType ?? ""
        let bytes = payload?.bytes ?? []
        if text.utf8.count + bytes.count + type.utf8.count > maxBytes { return nil }
        let copied = payload.map { _ in
            CachedPayload(bytes: bytes.map { $0 }, contentType: Self.copy(type))
        }
        return CacheItem(
            CacheKey(Self.copy(text), space: space, hash: hash), owner: owner, payload: copied,
            staleAt: staleAt, expiresAt: expiresAt, version: version, fillNanos: fillNanos,
            tags: [], weight: weight)
    }

    /// The same bytes at another place.
    private static func copy(_ text: String) -> String {
        String(decoding: Array(text.utf8), as: UTF8.self)
    }

    /// Whether it is a value of this key, whose hash is known to be the same, so that a text that looks
    /// the same is the same.
    @inline(__always)
    func isOf(_ key: CacheKey) -> Bool {
        space == key.space && text == key.text
    }

    var key: CacheKey { CacheKey(text, space: space, hash: hash) }

    var tier: CacheTier { owner == nil ? .shared : .agent }
    /// What it is counted under.
    var identity: UInt64 { key.hash(of: owner) }

    private static func weigh(
        _ key: CacheKey, _ owner: CacheReader?, _ payload: CachedPayload?, _ tags: [String]
    ) -> Int {
        var bytes = overheadBytes + key.text.utf8.count + (owner?.id.utf8.count ?? 0)
        bytes += (payload?.bytes.count ?? 0) + (payload?.contentType.utf8.count ?? 0)
        for tag in tags { bytes += tagOverheadBytes + tag.utf8.count }
        return bytes
    }
}
