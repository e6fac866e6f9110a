/// What one call of ``Store/prune(_:closedBeforeMillis:completion:)`` did.
public struct PrunedPiece: Sendable, Hashable {
    /// Runs that were taken away; nobody sees them any more.
    public var runs: Int
    /// Whether another call would find more to do.
    public var hasMore: Bool

    /// Combines the parts.
    public init(runs: Int, hasMore: Bool) {
        self.runs = runs
        self.hasMore = hasMore
    }
}
