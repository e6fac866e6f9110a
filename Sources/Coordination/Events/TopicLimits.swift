/// How much of a topic's history is held. What is over any of them goes, oldest first.
public struct TopicLimits: Sendable, Hashable {
    /// Publications, 1 to 1,000,000.
    public var maxPublications: Int64
    /// Bytes of all of them; the newest is held whatever its size.
    public var maxBytes: Int64
    /// How long each is held, in milliseconds.
    public var maxAgeMillis: Int64

    /// 10,000 publications, 64 MiB, 7 days.
    public static let defaults = TopicLimits()
    /// What each may be.
    public static let publicationBounds: ClosedRange<Int64> = 1...1_000_000
    public static let byteBounds: ClosedRange<Int64> = 1_024...4_294_967_296
    public static let ageBounds: ClosedRange<Int64> = 1_000...31_622_400_000

    /// Limits with the default for what is left out.
    public init(
        maxPublications: Int64 = 10_000, maxBytes: Int64 = 64 << 20,
        maxAgeMillis: Int64 = 604_800_000
    ) {
        self.maxPublications = maxPublications
        self.maxBytes = maxBytes
        self.maxAgeMillis = maxAgeMillis
    }
}
