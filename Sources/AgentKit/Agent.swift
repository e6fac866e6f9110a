import Coordination
import JSON

/// Something that does named operations: the unit that authors write and the engine gives work to.
///
/// One value serves many assignments at once, so it is `Sendable`; state lives in an actor or
/// behind a lock. Inputs and outputs are `Codable` values, carried as JSON.
///
///     struct Echo: Agent {
///         static let type = "echo"
///         var operations: [AgentOperation] {
///             [AgentOperation("say", "Returns its input.", isIdempotent: true) {
///                 (input: Said, _: AgentContext) in input
///             }]
///         }
///     }
public protocol Agent: Sendable {
    /// The agent type that callers and definitions name, 1 to 256 bytes of `[a-z0-9-]`.
    static var type: String { get }

    /// What it can do. Read once, when it joins.
    var operations: [AgentOperation] { get }

    /// Agent types it calls or depends on, for display and health.
    var dependencies: [String] { get }

    /// Where its operations run. Default ``AgentExecution/inline``.
    var execution: AgentExecution { get }

    /// How it is. Called under the probe's own limit; throwing means unhealthy.
    func health() async throws -> AgentHealth
}

extension Agent {
    /// None.
    public var dependencies: [String] { [] }
    /// ``AgentExecution/inline``.
    public var execution: AgentExecution { .inline }
    /// Healthy whenever it can be asked.
    public func health() async throws -> AgentHealth { AgentHealth(state: .healthy) }
}

/// Where the operations of an agent run.
public enum AgentExecution: Sendable, Hashable {
    /// Starts on the thread that dispatches and goes on there until it first awaits something, so
    /// a short operation costs no thread hop, and one that never awaits no task either. For work
    /// under about 50 microseconds between awaits.
    case inline
    /// On a thread of its own: for operations that block or burn processor time.
    case ownThread
}

/// One operation: a name, and a function from typed input to typed output.
///
/// A function that never awaits runs to its end where it is dispatched, without a task; one that
/// is `async` runs in a task on the agents' executor.
public struct AgentOperation: Sendable {
    /// What callers and definitions name, unique in the agent.
    public let name: String
    /// What it does, in a sentence for people.
    public let summary: String
    /// Whether doing it twice does no harm: then it is tried again when an instance dies in it.
    public let isIdempotent: Bool
    /// Works on payloads, as the engine delivers them.
    public let body: @Sendable (Payload, AgentContext) async throws -> Payload
    /// The same, for an operation that never awaits.
    let immediateBody: (@Sendable (Payload, AgentContext) throws -> Payload)?

    /// An operation on `Codable` values, carried as JSON. Input that does not decode is a failure
    /// of type `invalid_input` that names the path and is not tried again.
    public init<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String, _ summary: String, isIdempotent: Bool = false,
        _ function: @escaping @Sendable (Input, AgentContext) async throws -> Output
    ) {
        self.init(raw: name, summary, isIdempotent: isIdempotent) { payload, context async throws in
            let output = try await function(Self.decode(payload), context)
            return Payload(bytes: try JSONCoding.encode(output))
        }
    }

    /// The same for a function that never awaits.
    public init<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String, _ summary: String, isIdempotent: Bool = false,
        _ function: @escaping @Sendable (Input, AgentContext) throws -> Output
    ) {
        self.init(raw: name, summary, isIdempotent: isIdempotent) { payload, context throws in
            let output = try function(Self.decode(payload), context)
            return Payload(bytes: try JSONCoding.encode(output))
        }
    }

    /// An operation on raw payloads of any content type.
    public init(
        raw name: String, _ summary: String, isIdempotent: Bool = false,
        _ body: @escaping @Sendable (Payload, AgentContext) async throws -> Payload
    ) {
        self.name = name
        self.summary = summary
        self.isIdempotent = isIdempotent
        self.body = body
        immediateBody = nil
    }

    /// The same for a function that never awaits.
    public init(
        raw name: String, _ summary: String, isIdempotent: Bool = false,
        _ body: @escaping @Sendable (Payload, AgentContext) throws -> Payload
    ) {
        self.name = name
        self.summary = summary
        self.isIdempotent = isIdempotent
        self.body = body
        immediateBody = body
    }

    private static func decode<Input: Decodable>(_ payload: Payload) throws -> Input {
        do {
            return try JSONCoding.decode(Input.self, from: payload.bytes)
        } catch {
            throw StepFailure(
                type: "invalid_input", message: "the input does not fit the operation: \(error)",
                retryable: false)
        }
    }
}

/// What an operation may know of the assignment it works on.
public struct AgentContext: Sendable {
    private let assignment: Assignment
    private let signals: (any AgentSignals)?

    /// The instance that works.
    public var agent: AgentID { assignment.agent }
    /// The operation that was asked for.
    public var operation: String { assignment.operation }
    /// 1 for the first attempt.
    public var attempt: Int { assignment.attempt }
    /// Grows with every dispatch; hand it to whatever must refuse a stale worker.
    public var token: AssignmentToken { assignment.token }
    /// Whose work it is.
    public var namespace: Namespace { assignment.namespace }
    /// The workflow step behind the assignment; `nil` for a plain invoke.
    public var origin: StepOrigin? { assignment.origin }
    /// The monotonic instant after which nobody waits for the result; `nil`: none.
    public var deadlineNanos: Int64? { assignment.deadlineNanos }
    /// The operating mode of the namespace when the assignment was given.
    public var mode: OperatingMode { assignment.mode }

    /// The operating mode of the namespace as last heard: for operations that take long.
    public var currentMode: OperatingMode { signals?.mode(of: namespace) ?? mode }

    /// The server's breaker of this name, of the default namespace: asked and told without a round
    /// trip. Where there is none, because nobody has put it or the agent serves from another
    /// process, every call passes.
    public func breaker(_ name: String) -> BreakerHandle {
        (signals?.breakers ?? .unguarded)[name]
    }

    /// What the newest heartbeat of an earlier, lost attempt said: where to go on. `nil`: nothing.
    public var lastHeartbeat: Payload? { assignment.extras?.lastHeartbeat }

    /// Where the work stands in its caller's trace (W3C Trace Context): send it along with what the
    /// work calls. `nil`: the caller sent none.
    public var trace: TraceContext? { assignment.extras?.trace }

    /// Whether anybody watches the progress of this assignment.
    public var isWatched: Bool { assignment.extras?.progress != nil }

    /// Says where another attempt should go on, should this one be lost. Cheap; the newest counts.
    /// Saved with the run's next change, so a crash of the server may lose it. At most
    /// ``AssignmentHeartbeat/maxDetailBytes``; more is not sent.
    public func heartbeat(_ details: Payload) {
        guard details.bytes.count <= AssignmentHeartbeat.maxDetailBytes, details.hasFittingType
        else { return }
        signals?.heartbeat(AssignmentHeartbeat(token: token, details: details))
    }

    /// Sends a chunk to whoever watches; does nothing when nobody does.
    public func progress(_ chunk: Payload) {
        assignment.extras?.progress?.progress(chunk, attempt: attempt)
    }

    /// Takes what the operation may know from its assignment.
    public init(_ assignment: Assignment) { self.init(assignment, signals: nil) }

    init(_ assignment: Assignment, signals: (any AgentSignals)?) {
        self.assignment = assignment
        self.signals = signals
    }
}

/// Takes what operations say while they work, and knows what goes on around them.
protocol AgentSignals: AnyObject, Sendable {
    /// Must not block.
    func heartbeat(_ heartbeat: AssignmentHeartbeat)

    /// The mode of a namespace as last heard.
    func mode(of namespace: Namespace) -> OperatingMode

    /// The breakers that operations may ask.
    var breakers: BreakerShelf { get }
}

/// How an agent says it is.
public struct AgentHealth: Sendable, Hashable, Codable {
    /// From well to useless.
    public enum State: String, Sendable, Hashable, Codable { case healthy, degraded, unhealthy }

    /// How well it is.
    public var state: State
    /// Why, when it is not healthy; may be empty.
    public var detail: String

    /// Describes a state.
    public init(state: State, detail: String = "") {
        self.state = state
        self.detail = detail
    }
}
