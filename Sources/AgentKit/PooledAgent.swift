/// An agent with state of its own, of which a host makes as many instances as are wanted: each works
/// on one assignment at a time and is reset before the next.
///
///     try await host.add(pool: PoolPolicy(minInstances: 1, maxInstances: 8)) { try await Browser() }
public protocol PooledAgent: Agent {
    /// Brings the instance back to where it began, before it is used again. When this throws, the
    /// instance is retired and another one made in its place.
    func reset() async throws

    /// The instance is used no more: lets go of what it holds.
    func retire() async
}

extension PooledAgent {
    /// Has nothing to reset.
    public func reset() async throws {}
    /// Holds nothing.
    public func retire() async {}
}
