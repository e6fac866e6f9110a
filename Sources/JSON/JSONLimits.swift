/// What a text may cost before it is refused.
public struct JSONLimits: Sendable, Hashable {
    /// The largest text in bytes, 1 ... ``largestMaxBytes``; larger texts are refused unread.
    public var maxBytes: Int
    /// How deep arrays and objects may nest; a scalar has depth 0, `[]` has 1.
    public var maxDepth: Int

    /// 256 MiB: offsets and counts of the index fit their 32-bit fields below this size.
    public static let largestMaxBytes = 256 * 1024 * 1024

    /// 64 MiB (a workflow run's payload budget) and a depth of 128 (twice what hand-written
    /// documents reach, and small enough for recursive readers elsewhere).
    public static let defaults = JSONLimits(maxBytes: 64 * 1024 * 1024, maxDepth: 128)

    /// Limits with the default for what is left out. `maxBytes` is cut to ``largestMaxBytes``.
    public init(maxBytes: Int = 64 * 1024 * 1024, maxDepth: Int = 128) {
        precondition(maxBytes > 0 && maxDepth >= 0, "limits must not be negative")
        self.maxBytes = min(maxBytes, JSONLimits.largestMaxBytes)
        self.maxDepth = maxDepth
    }
}
