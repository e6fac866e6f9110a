/// How a ``RemoteWorker`` works.
public struct RemoteWorkerConfiguration: Sendable {
    /// The instance's id, unique among the living; empty: the server gives one. Default empty.
    public var id = ""
    /// Assignments at once, 1 to 65,536. Default 64.
    public var slots = 64
    /// How long the server may hear nothing before it gives the work to others, 500 ms to 5
    /// minutes. Default 10 s.
    public var lease: Duration = .seconds(10)
    /// Free labels for display and affinity. Default none.
    public var labels: [String: String] = [:]
    /// Which build this is, for people. Default empty.
    public var buildID = ""
    /// How long the server may take to say welcome. Default 10 s.
    public var helloTime: Duration = .seconds(10)
    /// The wait before the first new try; doubles with each failure. What is really waited is drawn
    /// from between nothing and this, so that a fleet does not come back in step. Default 200 ms.
    public var firstBackoff: Duration = .milliseconds(200)
    /// The longest wait before a new try. Default 10 s.
    public var maxBackoff: Duration = .seconds(10)
    /// Failures in a row after which the client and its connection are made anew. Default 3.
    public var failuresBeforeNewClient = 3
    /// How long a draining worker waits for what it holds. Default 30 s.
    public var drainTime: Duration = .seconds(30)

    /// The documented defaults, to be changed one by one.
    public init() {}
}
