/// One piece of work for one agent instance: what the engine dispatches.
///
/// An object, because it goes from hand to hand in lists: a copy is one count, an entry eight bytes.
public final class Assignment: Sendable {
    /// Names this dispatch for ever and fences it: a result is accepted only under its token.
    public let token: AssignmentToken
    /// The instance that is to do the work.
    public let agent: AgentID
    /// One of the operations that the instance named when it joined, or ``healthOperation``.
    public let operation: String
    public let payload: Payload
    /// The monotonic instant after which nobody waits for the result; `nil`: none.
    public let deadlineNanos: Int64?
    /// The operating mode of its namespace when it was dispatched.
    public let mode: OperatingMode
    /// 1 for the first attempt.
    public let attempt: Int
    public let namespace: Namespace
    /// The run and step this work belongs to; `nil` for a plain `Invoke`.
    public let origin: StepOrigin?
    /// What few assignments have; `nil`: nothing of it.
    public let extras: AssignmentExtras?

    /// The reserved operation that asks an instance for its health.
    public static let healthOperation = "$health"

    /// Combines the parts of one dispatch.
    public init(
        token: AssignmentToken, agent: AgentID, operation: String, payload: Payload,
        deadlineNanos: Int64?, attempt: Int, namespace: Namespace, origin: StepOrigin?,
        mode: OperatingMode = .normal, extras: AssignmentExtras? = nil
    ) {
        self.mode = mode
        self.token = token
        self.agent = agent
        self.operation = operation
        self.payload = payload
        self.deadlineNanos = deadlineNanos
        self.attempt = attempt
        self.namespace = namespace
        self.origin = origin
        self.extras = extras
    }

    /// The same work for another instance.
    public func given(to agent: AgentID) -> Assignment {
        Assignment(
            token: token, agent: agent, operation: operation, payload: payload,
            deadlineNanos: deadlineNanos, attempt: attempt, namespace: namespace, origin: origin,
            mode: mode, extras: extras)
    }
}

/// What few assignments have: an object of its own, so that the others stay small.
public final class AssignmentExtras: Sendable {
    /// What the newest heartbeat of an earlier attempt said.
    public let lastHeartbeat: Payload?
    /// Where chunks of progress go; `nil`: nobody listens.
    public let progress: (any ProgressPort)?
    /// What the caller of the invoke, or of the start of its run, sent.
    public let trace: TraceContext?

    /// Combines the parts.
    public init(
        lastHeartbeat: Payload? = nil, progress: (any ProgressPort)? = nil,
        trace: TraceContext? = nil
    ) {
        self.lastHeartbeat = lastHeartbeat
        self.progress = progress
        self.trace = trace
    }

    /// The parts; `nil` when there are none.
    public static func some(
        lastHeartbeat: Payload? = nil, progress: (any ProgressPort)? = nil, trace: TraceContext?
    ) -> AssignmentExtras? {
        if lastHeartbeat == nil, progress == nil, trace == nil { return nil }
        return AssignmentExtras(lastHeartbeat: lastHeartbeat, progress: progress, trace: trace)
    }
}

/// Takes the progress of an assignment straight to whoever watches it, past the engine.
public protocol ProgressPort: Sendable {
    /// Must not block. Called from any thread, in order within an attempt.
    func progress(_ chunk: Payload, attempt: Int)
}

/// The workflow step on whose behalf an assignment runs.
public struct StepOrigin: Sendable, Hashable {
    /// Which run, and which of its steps.
    public var run: RunID
    public var step: String

    /// Names a step of a run.
    public init(run: RunID, step: String) {
        self.run = run
        self.step = step
    }
}

/// Who holds an assignment outside this process, and for how long after a restart it may stay
/// silent before the work is given to another.
public struct AssignmentHolder: Sendable, Hashable {
    /// The remote instance.
    public var agent: AgentID
    /// Milliseconds, 1 or more.
    public var leaseMillis: Int

    /// Names a remote instance and its lease.
    public init(agent: AgentID, leaseMillis: Int) {
        self.agent = agent
        self.leaseMillis = leaseMillis
    }
}

/// What became of an assignment.
public struct AssignmentResult: Sendable {
    /// Whose result it is, and how it ended.
    public var token: AssignmentToken
    public var outcome: AssignmentOutcome
    /// Monotonic instants of the agent's own work, for queue and execution times.
    public var startedNanos: Int64
    public var endedNanos: Int64

    /// Combines the outcome with the time it took.
    public init(
        token: AssignmentToken, outcome: AssignmentOutcome, startedNanos: Int64, endedNanos: Int64
    ) {
        self.token = token
        self.outcome = outcome
        self.startedNanos = startedNanos
        self.endedNanos = endedNanos
    }
}

/// How an assignment ended.
public enum AssignmentOutcome: Sendable {
    case success(Payload)
    case failure(StepFailure)
}

/// Why a piece of work failed, in the agent's words.
public struct StepFailure: Sendable, Hashable, Error {
    /// Stable machine-readable kind, such as `exchange_unreachable`; retry policies match on it.
    public var type: String
    /// What happened and what to do about it.
    public var message: String
    /// Whether another attempt could succeed.
    public var retryable: Bool
    /// The agent's own wish for the wait before the next attempt; wins over the policy. What a run
    /// keeps of it lies within 0 and ``maxRetryAfterMillis``.
    public var retryAfterMillis: Int64?

    /// Describes a failure.
    public init(
        type: String, message: String, retryable: Bool, retryAfterMillis: Int64? = nil
    ) {
        self.type = type
        self.message = message
        self.retryable = retryable
        self.retryAfterMillis = retryAfterMillis
    }

    /// The longest type that is kept, bytes.
    public static let maxTypeBytes = 256
    /// The longest message that is kept, bytes: failures are stored with every change of a run.
    public static let maxMessageBytes = 4_096

    /// The longest wait that an agent can ask for: 366 days, as for every time of a definition.
    public static let maxRetryAfterMillis: Int64 = 366 * 86_400_000

    /// The failure with its texts cut to what is kept and its wish brought into range: it comes
    /// from an agent, and no number of an agent's may overflow a sum of times.
    public var bounded: StepFailure {
        let wish = retryAfterMillis.map { min(max($0, 0), Self.maxRetryAfterMillis) }
        if wish == retryAfterMillis, type.utf8.count <= Self.maxTypeBytes,
            message.utf8.count <= Self.maxMessageBytes
        {
            return self
        }
        var failure = self
        failure.retryAfterMillis = wish
        failure.type = type.prefix(bytes: Self.maxTypeBytes)
        failure.message = message.prefix(bytes: Self.maxMessageBytes)
        return failure
    }
}

extension String {
    /// The longest beginning of at most so many bytes that cuts no character in two.
    public func prefix(bytes limit: Int) -> String {
        if utf8.count <= limit { return self }
        var end = startIndex
        var bytes = 0
        while end < endIndex {
            bytes += self[end].utf8.count
            if bytes > limit { break }
            end = index(after: end)
        }
        return String(self[..<end])
    }
}
