import Coordination

/// Where an answer goes: a port of the asker's, and the asker's own number for the call.
public struct ReplyTicket: Sendable, Hashable {
    /// Which port, as numbered by ``EngineHost``'s `attach`.
    public var port: Int
    /// The asker's number; unique within the port while the call is open.
    public var call: UInt64

    /// Names one open call.
    public init(port: Int, call: UInt64) {
        self.port = port
        self.call = call
    }
}

/// Receives answers, in batches: one call per engine drain. Implemented once per socket loop.
public protocol ReplyPort: Sendable {
    /// Must not block. Called from whichever thread drained the engine or the store's thread.
    func deliver(_ replies: [Reply])
}

/// One answer, released only after everything it saw is on disk.
public struct Reply: Sendable {
    /// Whose answer it is.
    public var ticket: ReplyTicket
    /// What the engine says.
    public var answer: Answer

    /// Combines a ticket with its answer.
    public init(ticket: ReplyTicket, answer: Answer) {
        self.ticket = ticket
        self.answer = answer
    }
}

/// What somebody wants of the engine, or what happened outside that it must know.
///
/// Indirect: a command is moved through several queues, and a box moves as one word.
public indirect enum Command: Sendable {
    // New work: refused with `.overloaded` when the lane is full.
    case putDefinition(PutDefinition, ReplyTicket)
    case startRun(StartRun, ReplyTicket)
    case invoke(Invoke, ReplyTicket)
    case breaker(BreakerCommand, ReplyTicket)
    case isolation(IsolationCommand, ReplyTicket)
    /// Answers `.runClosed` when the run has ended, at once if it has already.
    case awaitRun(RunReference, ReplyTicket)
    /// Answers `.watching(lastSequence)`, then `.events` as they are committed, then `.runClosed`.
    case watchRun(RunReference, ReplyTicket)

    // Reads of what only the engine knows.
    case getRun(RunReference, ReplyTicket)
    case listDefinitions(Namespace, ReplyTicket)
    /// Answers `.listed`.
    case listAgents(ReplyTicket)
    case listDeadLetters(Namespace, after: DeadLetterCursor?, limit: Int, ReplyTicket)
    /// Answers `.agentChange` with the pool as it is, then with every change of it.
    case watchAgents(ReplyTicket)
    case snapshot(ReplyTicket)

    /// Schedules; new ones and triggers are new work, the rest is not.
    case schedule(ScheduleCommand, ReplyTicket)
    /// Concurrency and rate keys.
    case keys(KeyCommand, ReplyTicket)
    /// Topics and what is published to them.
    case event(EventCommand, ReplyTicket)
    /// How runs stand, and why.
    case insight(InsightCommand, ReplyTicket)
    /// Ballots and their series.
    case ballot(BallotCommand, ReplyTicket)
    /// Batches and their items.
    case items(ItemCommand, ReplyTicket)
    /// What coordination is measured by.
    case monitor(MonitorCommand, ReplyTicket)
    /// Shared memory.
    case memory(MemoryCommand, ReplyTicket)
    /// Locks.
    case locks(LockCommand, ReplyTicket)

    // What ends or keeps work: never refused.
    case cancelRun(CancelRun, ReplyTicket)
    /// Answers `.operated` when what it does is on disk.
    case operateRun(OperateRun, ReplyTicket)
    /// The newest run of the workflow id of a start that asked for it; `nil`: there is none.
    case reuseKnown(Result<RunSummary?, Rejection>, Namespace, String, ReplyTicket)
    /// A closed run that an operation needs, as the store has it.
    case loaded(Result<RunState, Rejection>, OperateRun, ReplyTicket)
    /// The instance finishes what it has and gets nothing new. Answers `.agents` with it alone.
    case drainAgent(AgentID, reason: String, ReplyTicket)
    /// The asker is gone or its deadline has passed: drop the wait; a plain invoke is cancelled.
    case abandon(ReplyTicket)
    case agentsJoined([AgentRegistration], PortNumber)
    case agentsLeft([AgentID])
    case pool(PoolCommand)
    case finished(AssignmentResult)
    /// From instances in this process.
    case heartbeats([AssignmentHeartbeat])
    case session(SessionCommand)
    case prepared(Preparation.Outcome)
    case eventsPrepared(EventWork.Outcome)
}

/// What a remote instance says, or what becomes of its connection. The port names the connection:
/// its number is never used again.
public enum SessionCommand: Sendable {
    /// A connection's first word. Answered by `.welcome` or `.refused` on the port.
    case hello(SessionHello, PortNumber)
    /// Whatever came in one go; a sign of life in any case.
    case heard(SessionNews, PortNumber)
    /// The connection is gone; the session's lease runs.
    case dropped(PortNumber)
    /// The instance leaves; what it still holds is given to others.
    case left(PortNumber)
    /// So many assignments were cancelled before the connection took them: no sign of life, but their
    /// credits count again.
    case unsent(Int, PortNumber)
    /// A result from `heard` that waits for room in a batch.
    case result(AssignmentResult, PortNumber)
}

/// Which of the attached assignment ports an agent's work goes to.
public struct PortNumber: Sendable, Hashable {
    /// Counts from 0 in the order of joining.
    public let rawValue: Int

    /// Wraps a number given by the engine's shell.
    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// Puts a workflow definition. Same name, version and content again changes nothing.
public struct PutDefinition: Sendable {
    /// Where the definition belongs.
    public var namespace: Namespace
    /// Validated when the command is made; its faults are the answer.
    public var definition: WorkflowDefinition
    /// Whether a definition of the same name and another version may be replaced. Default true.
    public var replace: Bool
    /// The definition made ready, or everything that is wrong with it: found by whoever builds the
    /// command, so that the engine does not spend its turn on it.
    let plan: Result<WorkflowPlan, DefinitionFaults>

    /// Validates the definition; its faults are answered by the engine.
    /// Combines the parts and validates the definition on the caller's thread.
    public init(namespace: Namespace, definition: WorkflowDefinition, replace: Bool = true) {
        self.namespace = namespace
        self.definition = definition
        self.replace = replace
        do throws(DefinitionFaults) {
            plan = .success(try WorkflowPlan(definition))
        } catch {
            plan = .failure(error)
        }
    }
}

/// Starts a run.
public struct StartRun: Sendable {
    /// Where definition and run belong.
    public var namespace: Namespace
    /// Name of the definition.
    public var definition: String
    /// The caller's own name for the run; empty: the run id. One open run per workflow id.
    public var workflowID: String
    /// Validated JSON (the edge has checked it).
    public var input: Payload
    /// Makes a repeat harmless; empty: none.
    public var requestID: String
    /// What an open run of the same workflow id means.
    public var conflict: ConflictPolicy
    /// Given to the run as soon as it is there; `nil`: none.
    public var signal: RunSignal?
    /// What a run of the same workflow id that has ended means.
    public var reuse: ReusePolicy
    /// What the run can be found by; checked by whoever builds the command.
    public var attributes: [RunAttribute]
    /// Where the call stands in its caller's trace; handed on to the agents of the run and its
    /// children. No part of what makes a repeat the same.
    public var trace: TraceContext?

    /// Fingerprint of all that the run depends on; made by whoever builds the command.
    let contentHash: UInt64

    /// Refuse the start, answer with the run that is open, end that one at once, or begin when it
    /// has ended.
    public enum ConflictPolicy: UInt8, Sendable, Hashable {
        case fail = 0
        case useExisting = 1
        case terminateExisting = 2
        case enqueue = 3

        /// Whether an open run does not keep a new one from being made.
        var startsBesideOpen: Bool { self == .terminateExisting || self == .enqueue }
    }

    /// Begin in any case, only if the last one did not complete, or never: looked at when no run of
    /// the workflow id is open.
    public enum ReusePolicy: UInt8, Sendable, Hashable {
        case allow = 0
        case allowIfFailed = 1
        case reject = 2
    }

    /// Describes the run. O(bytes) when there is a request id, since its content is fingerprinted.
    /// Combines the parts.
    public init(
        namespace: Namespace, definition: String, workflowID: String, input: Payload,
        requestID: String, conflict: ConflictPolicy, signal: RunSignal? = nil,
        reuse: ReusePolicy = .allow, attributes: [RunAttribute] = [],
        trace: TraceContext? = nil
    ) {
        self.trace = trace
        self.namespace = namespace
        self.definition = definition
        self.workflowID = workflowID
        self.input = input
        self.requestID = requestID
        self.conflict = conflict
        self.signal = signal
        self.reuse = reuse
        self.attributes = attributes
        var hash = StableHash()
        if !requestID.isEmpty {
            hash.combine(definition)
            hash.combine(workflowID)
            hash.combine(input.contentType)
            hash.combine(input.bytes)
            hash.combine(UInt64(conflict.rawValue))
            if let signal {
                hash.combine(signal.name)
                hash.combine(signal.payload.bytes)
            }
            // Only what was given, so that ids remembered by an older build keep their content.
            if reuse != .allow { hash.combine(UInt64(reuse.rawValue)) }
            if !attributes.isEmpty { hash.combine("\(attributes)") }
        }
        contentHash = hash.value
    }
}

/// Calls an agent type's operation once, volatile: nothing is stored.
///
/// An object, because it passes through many hands on its way to an agent: a copy is one count.
public final class Invoke: Sendable {
    /// Handed on to the agent.
    public let namespace: Namespace
    /// Whose operation is called.
    public let agentType: String
    /// One instance in particular; `nil`: the least loaded of the type.
    public let instance: AgentID?
    /// One of the type's operations, or ``Assignment/healthOperation`` for an instance.
    public let operation: String
    /// Given to the agent as it is.
    public let payload: Payload
    /// Monotonic; the caller gets DEADLINE_EXCEEDED-like `.rejected(.deadline)` when it passes.
    public let deadlineNanos: Int64?
    /// When the call arrived, for the queue time.
    public let arrivedNanos: Int64
    /// 1 (first) to 5 (last), default 3.
    public let priority: Int
    /// What few invokes have; `nil`: nothing of it.
    public let extras: InvokeExtras?

    /// Combines the parts.
    public init(
        namespace: Namespace, agentType: String, instance: AgentID? = nil, operation: String,
        payload: Payload, deadlineNanos: Int64?, arrivedNanos: Int64, priority: Int = 3,
        extras: InvokeExtras? = nil
    ) {
        self.namespace = namespace
        self.agentType = agentType
        self.instance = instance
        self.operation = operation
        self.payload = payload
        self.deadlineNanos = deadlineNanos
        self.arrivedNanos = arrivedNanos
        self.priority = priority
        self.extras = extras
    }

    /// The same call for a caller who waits no longer than until that monotonic instant.
    func ending(byNanos end: Int64) -> Invoke {
        Invoke(
            namespace: namespace, agentType: agentType, instance: instance, operation: operation,
            payload: payload, deadlineNanos: min(deadlineNanos ?? .max, end),
            arrivedNanos: arrivedNanos, priority: priority, extras: extras)
    }
}

/// What few invokes have: an object of its own, so that the others stay small.
public final class InvokeExtras: Sendable {
    /// Where chunks of progress go.
    public let progress: (any ProgressPort)?
    /// The monotonic instant until which it may wait for an instance, also when none is alive.
    public let startByNanos: Int64?
    /// Keys share the turns inside a priority.
    public let fairnessKey: String
    /// How many turns in a row the key has, 1 or more.
    public let fairnessWeight: Int
    /// Prefer the instance that last worked under this key; empty: none.
    public let affinityKey: String
    /// The assignment on whose behalf it is made.
    public let parent: AssignmentToken?
    /// Its name under the parent; empty: its answer is not kept.
    public let key: String
    /// Where the call stands in its caller's trace; handed on to the agent.
    public let trace: TraceContext?
    /// How often the same was given to an instance by earlier calls, 0 or more: its agent is told the
    /// attempt behind those.
    public let earlierAttempts: Int

    /// Combines the parts.
    public init(
        progress: (any ProgressPort)? = nil, startByNanos: Int64? = nil,
        fairnessKey: String = "", fairnessWeight: Int = 1, affinityKey: String = "",
        parent: AssignmentToken? = nil, key: String = "", trace: TraceContext? = nil,
        earlierAttempts: Int = 0
    ) {
        self.earlierAttempts = earlierAttempts
        self.trace = trace
        self.fairnessWeight = fairnessWeight
        self.progress = progress
        self.startByNanos = startByNanos
        self.fairnessKey = fairnessKey
        self.affinityKey = affinityKey
        self.parent = parent
        self.key = key
    }
}

/// Asks a run to stop: its open assignments are cancelled and it ends as cancelled.
public struct CancelRun: Sendable {
    /// Which run.
    public var run: RunReference
    /// For the history; may be empty.
    public var reason: String

    /// Combines the parts.
    public init(run: RunReference, reason: String) {
        self.run = run
        self.reason = reason
    }
}

/// Names a run by its id, or the newest of a workflow id.
public enum RunReference: Sendable, Hashable {
    case run(Namespace, RunID)
    case workflow(Namespace, String)

    /// Where the run belongs.
    public var namespace: Namespace {
        switch self {
        case .run(let namespace, _), .workflow(let namespace, _): namespace
        }
    }
}

/// What the engine answers. Indirect for the same reason as ``Command``.
public indirect enum Answer: Sendable {
    case definitionPut(changed: Bool)
    case started(RunID, existing: Bool)
    case invoked(InvokeAnswer)
    case run(RunSummary, result: Payload?)
    case runClosed(RunSummary, result: Payload?)
    case watching(lastSequence: Int64)
    case events([HistoryEvent])
    case definitions([WorkflowDefinition])
    case agents([AgentSummary])
    /// Every instance, and the pools that make some.
    case listed([AgentSummary], pools: [PoolSummary])
    case agentChange(AgentChange)
    case snapshot(EngineSnapshot)
    case cancelled(RunSummary)
    case breaker(BreakerAnswer)
    case isolation(AgentID, Isolation)
    case isolationPolicy(IsolationPolicy)
    case schedule(ScheduleAnswer)
    case keys(KeyAnswer)
    case event(EventAnswer)
    case insight(InsightAnswer)
    case ballot(BallotAnswer)
    case items(ItemAnswer)
    case monitor(MonitorAnswer)
    case memory(MemoryAnswer)
    case locks(LockAnswer)
    case operated(RunSummary)
    case deadLetters([DeadLetter], next: DeadLetterCursor?)
    case rejected(Rejection)
}

/// How a plain invoke ended: the agent's answer or failure, and where the time went.
public struct InvokeAnswer: Sendable {
    /// What the agent returned, or why it failed.
    public var outcome: AssignmentOutcome
    /// The instance that did the work last.
    public var agent: AgentID
    /// Instances it was given to; 1 unless one was lost.
    public var attempts: Int
    /// From arrival to dispatch.
    public var queueNanos: Int64
    /// The agent's own time.
    public var executionNanos: Int64
    /// When the engine took the outcome, milliseconds since 1970.
    public var atMillis: Int64

    /// Combines the parts.
    public init(
        outcome: AssignmentOutcome, agent: AgentID, attempts: Int, queueNanos: Int64,
        executionNanos: Int64, atMillis: Int64
    ) {
        self.outcome = outcome
        self.agent = agent
        self.attempts = attempts
        self.queueNanos = queueNanos
        self.executionNanos = executionNanos
        self.atMillis = atMillis
    }
}

/// Why a command was not carried out. Becomes a gRPC status once, in Services.
public struct Rejection: Error, Sendable, Hashable {
    /// What a caller can tell apart; each is one gRPC status.
    public enum Code: Sendable, Hashable {
        /// INVALID_ARGUMENT: the request can never be right as it is; `field` names the part.
        case invalid
        /// NOT_FOUND
        case notFound
        /// ALREADY_EXISTS
        case exists
        /// FAILED_PRECONDITION
        case precondition
        /// PERMISSION_DENIED
        case denied
        /// UNAVAILABLE: try again, maybe elsewhere.
        case unavailable
        /// RESOURCE_EXHAUSTED, with pushback.
        case overloaded
        /// DEADLINE_EXCEEDED
        case deadline
        /// ABORTED
        case conflict
        /// OUT_OF_RANGE: a resume point that is not held any more.
        case outOfRange
    }

    /// Which status it becomes.
    public var code: Code
    /// Stable, upper case, for `ErrorInfo.reason`, such as `WORKFLOW_NOT_FOUND`.
    public var reason: String
    /// What happened and what to do.
    public var message: String
    /// Every bad field with its description, for `BadRequest`.
    public var fields: [FieldFault]
    /// For `.overloaded` and `.unavailable`: when to try again.
    public var retryAfterMillis: Int64?
    /// What the message says in words, by key, for `ErrorInfo.metadata`.
    public var details: [String: String] = [:]

    /// Describes a refusal.
    public init(
        _ code: Code, reason: String, _ message: String, fields: [FieldFault] = [],
        retryAfterMillis: Int64? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.fields = fields
        self.retryAfterMillis = retryAfterMillis
    }
}
