/// The calls of one gRPC service since the server's start.
public struct ServiceCalls: Sendable, Hashable {
    /// The full name, such as `cadre.v1.AgentService`.
    public var service: String
    /// Calls that have ended.
    public var ended: Int64
    /// Those of them that ended for a reason on the server's side.
    public var failed: Int64
    /// Calls that are open.
    public var active: Int64
    /// From the headers to the end, summed over those that ended.
    public var seconds: Double

    /// Combines the parts.
    public init(service: String, ended: Int64, failed: Int64, active: Int64, seconds: Double) {
        self.service = service
        self.ended = ended
        self.failed = failed
        self.active = active
        self.seconds = seconds
    }
}
