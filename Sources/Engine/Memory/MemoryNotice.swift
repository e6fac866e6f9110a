/// Something about shared memory that is worth counting.
public enum MemoryNotice: Sendable, Hashable {
    /// So many keys were put, deleted or have ended.
    case changed(count: Int)
    /// One of those ended by itself.
    case expired
    /// What there is now.
    case gauges(MemoryGauges)
}

/// What there is of shared memory; gauges of this moment.
public struct MemoryGauges: Sendable, Hashable {
    /// Keys that hold something.
    public var keys = 0
    /// Bytes that entries take.
    public var bytes = 0
    public var watchers = 0

    /// Nothing.
    public init() {}
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: MemoryNotice) {}
}
