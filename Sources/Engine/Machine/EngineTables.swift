import Coordination
import Store

/// One piece of work that wants or holds a slot of an agent.
struct Job: Sendable {
    enum Work: Sendable {
        case invoke(InvokeJob)
        case step(run: Int32, step: Int)
    }

    /// How far it is. Waiting becomes preparing (steps) or running (invokes); preparing becomes
    /// committing; committing becomes running when its batch is on disk. Orphaned: it ran when the
    /// last process ended, and its remote holder may come back for it.
    enum Phase: Sendable { case waiting, preparing, committing, running, orphaned }

    var work: Work
    var type: Int32
    var phase = Phase.waiting
    /// The instance whose slot it holds; -1 while waiting.
    var agent: Int32 = -1
    var place: WaitingLines.Place?
    /// Handle of its deadline; -1: none.
    var timer: Int32 = -1
    /// When that deadline is, while there is one.
    var dueNanos: Int64 = .max
    var token: UInt64 = 0
    /// Steps only: when its attempt must have ended, and when its agent was heard of last.
    var deadlineNanos = Int64.max
    var heardNanos: Int64 = 0
    /// Invokes only: how often it was given to an instance.
    var attempts = 0
    /// When it last left the engine for its agent.
    var grantedNanos: Int64 = 0
    /// When it began to want a slot; 0: it does not, -1: an earlier process gave it one.
    var wantedNanos: Int64 = 0
    /// When it was granted the slot that it holds.
    var slotNanos: Int64 = 0
    /// Whether the result of what it was dispatched for is in.
    var hasResult = false
    /// Leave of the breakers that guard it; used up by its end.
    var permits: [HeldPermit] = []
    /// How they stood when they gave it, see ``BreakerTables/changes``.
    var guardsSeen: UInt32 = 0
    /// Remote instances only: the connection on which it was granted.
    var grantPort = 0
    /// Its neighbours among the jobs that hold slots of its instance, see ``HeldJobs``; -1: none.
    var nextHeld: Int32 = -1
    var previousHeld: Int32 = -1

    static let vacant = Job(work: .step(run: -1, step: -1), type: -1)
}

/// The part of a job that only plain invokes have.
struct InvokeJob: Sendable {
    let invoke: Invoke
    let ticket: ReplyTicket
    /// Whether it is a health probe of one instance.
    let isProbe: Bool

    init(_ invoke: Invoke, _ ticket: ReplyTicket, isProbe: Bool) {
        self.invoke = invoke
        self.ticket = ticket
        self.isProbe = isProbe
    }
}

/// One run in memory, with what belongs to it but is not stored.
struct RunCell: Sendable {
    var machine: RunMachine
    /// The newest batch that changes it.
    var changedIn = BatchNumber.none
    /// The events of the filling batch.
    var events: [HistoryEvent] = []
    /// Whether the filling batch changes it.
    var isDirty = false
    /// The newest event outside the filling batch.
    var sealedSequence: Int64 = 0
    var waiters: [ReplyTicket] = []
    var watchers: [ReplyTicket] = []
    var steps: [StepCell]
    var runTimer: Int32 = -1
    /// The run from which it descends, by child steps and events; `nil`: it began by itself.
    var root: RunID?
    /// Runs of the same workflow id that begin when this one has ended, oldest first.
    var followers: [Int32] = []
    /// The rendered result, between preparation and the end of the run in memory.
    var result: Payload?

    init(_ machine: RunMachine) {
        self.machine = machine
        steps = [StepCell](repeating: StepCell(), count: machine.state.steps.count)
    }

    static let vacant: RunCell = {
        let none = Serial(rawValue: 0)
        let payload = PayloadID(serial: none)
        return RunCell(
            RunMachine(
                RunState(
                    id: RunID(serial: none), namespace: Namespace(""), workflowID: "",
                    plan: .nothing, planID: payload, input: payload, inputBytes: 0,
                    startedMillis: 0)))
    }()
}

/// What the engine holds for one step of a run.
struct StepCell: Sendable {
    /// Index of its job; -1: none.
    var job: Int32 = -1
    /// Handle of the timer of its retry or wait; -1: none.
    var timer: Int32 = -1
    /// While a breaker does not let it go.
    var held: StepHold?
    /// Whether it listens for events.
    var isListening = false
    /// Whether it waits for another operating mode.
    var isHeldByMode = false
    /// When its first attempt failed, until one succeeds; 0: none did.
    var failingNanos: Int64 = 0
}

/// A step that a breaker does not let go.
struct StepHold: Sendable {
    /// The breaker in whose list it stands; -1: none, it is about to ask again.
    var breaker: Int32 = -1
    /// When it has waited long enough to fail; `.max`: never.
    var endNanos: Int64
}

/// One remote instance's session, with what belongs to it in the engine.
struct SessionCell: Sendable {
    var machine: AgentSession
    var agent: Int32
    var leaseMillis: Int
    /// Why somebody wants the instance to go; `nil`: nobody does.
    var drainReason: String?
    /// Whether watchers were last told that it has given no credit.
    var isToldWithoutCredit = false
    /// Handle of the timer of its lease. What is heard moves the lease, not the timer: that looks
    /// again when it rings.
    var timer: Int32 = -1

    static let vacant = SessionCell(
        machine: AgentSession(
            id: SessionID(serial: Serial(rawValue: 0), secret: 0), leaseNanos: 0, connection: 0,
            at: 0), agent: -1, leaseMillis: 1)
}

/// What a timer is about.
enum TimerPurpose: Sendable {
    /// An invoke's deadline; a step's schedule-to-start or start-to-close, by its phase.
    case job(Int32)
    /// A retry is due, or a wait is over.
    case step(run: Int32, step: Int)
    case run(Int32)
    /// A breaker does something by itself.
    case breaker(Int32)
    /// The mode with this number does.
    case mode(Int32)
    /// A step behind a half-open breaker asks again.
    case held(run: Int32, step: Int)
    /// An isolation ends.
    case isolation
    /// A schedule's next slot.
    case schedule(Int32)
    /// Whether the wall clock has jumped.
    case clocks
    /// A remote instance's lease.
    case session(Int32)
    /// A key's gate may open.
    case gate(Int32)
    /// A pool of in-process instances of this type.
    case elastic(Int32)
    /// A key's pause ends.
    case keyPause(Int32)
    /// The time of a ballot is over.
    case ballot(Int32)
    /// Items of a batch leave.
    case items(Int32)
    /// An entry of this namespace's shared memory ends.
    case memory(Int32)
    /// A lease of this namespace's locks ends, or a wait for one.
    case locks(Int32)
    /// The oldest publication of a topic is too old.
    case topicAge(Int32)
    /// A target of a subscription goes on, or was not acknowledged in time.
    case subscriber(Int32)
    /// Progress of targets is stored that nobody acknowledged.
    case skippedEvents
}

/// A caller that waits, found again when it gives up.
enum OpenCall: Sendable {
    case invoke(job: Int32)
    case awaiting(run: Int32)
    case watching(run: Int32)
    /// Breakers or the mode of the namespace with this number.
    case watchingBreakers(mode: Int32)
    case watchingAgents
    case watchingGraphs
    case deciding(ballot: Int32)
    /// Items of a batch.
    case submitted
    /// Shared memory of the namespace with this number.
    case watchingMemory(Int32)
    /// A waiter of the namespace with this number, and a stream of what is held there.
    case awaitingLock(Int32, UInt64)
    case followingLock(Int32, UInt64)
    case followingEvents(Namespace)
    /// The stream of a subscription's target.
    case readingEvents(Int32)
}

/// A current definition of a namespace.
struct DefinitionEntry: Sendable {
    var plan: WorkflowPlan
    var planID: PayloadID
}

/// Names a definition or an open run inside a namespace.
struct ScopedName: Sendable, Hashable {
    var namespace: Namespace
    var name: String

    /// By the bytes of the name.
    static func == (a: Self, b: Self) -> Bool {
        a.namespace == b.namespace && a.name.hasSameBytes(as: b.name)
    }

    /// By the bytes of the name.
    func hash(into hasher: inout Hasher) {
        hasher.combine(namespace)
        hasher.combine(bytesOf: name)
    }
}

/// What waits for one batch to be on disk.
struct HeldEffects: Sendable {
    var replies: [Reply] = []
    /// New events for watchers: after `replies`, which may hold the start of their watch.
    var events: [Reply] = []
    /// Last words to watchers: after `events`.
    var closings: [Reply] = []
    var dispatches: [HeldDispatch] = []
    var cancels: [(port: Int, token: AssignmentToken)] = []
    var sessionNotices: [(port: Int, notice: SessionNotice)] = []
    var lookups: [RunLookup] = []
    var notices: [EngineNotice] = []
    /// Items of batches that stand in line from now on.
    var items: [UInt64] = []
    /// What was published, for those who deliver it.
    var published: [(namespace: Namespace, publications: [Publication])] = []
    /// Told to agents before `dispatches`.
    var modes: [ModeChange] = []
    /// Every reply in the order in which it must arrive.
    var allReplies: [Reply] { replies + events + closings }

    /// Runs that leave memory.
    var closed: [Int32] = []
}

/// A committed step's way to its agent; dropped if the step is stopped before.
struct HeldDispatch: Sendable {
    var token: UInt64
    var payload: Payload
}

/// How much entered a batch because its time had come; see ``EngineLimits/maxDuePerBatch``.
struct DueCounts: Sendable {
    /// Runs that schedules started or stopped.
    var schedules = 0
    /// Entries of shared memory that ended.
    var memory = 0
    /// Leases of locks that ended, and waits for them.
    var locks = 0
}

extension [Int32] {
    /// Puts the last one, which is taken first, behind all others.
    mutating func rotate() {
        if let last = popLast() { insert(last, at: 0) }
    }
}

/// The filling batch: what its rows will be made from.
struct BatchDraft: Sendable {
    /// Durable commands taken so far.
    var commands = 0
    var due = DueCounts()
    /// Runs that steps have started or fed.
    var starts = 0
    var dirtyRuns: [Int32] = []
    var definitions: [DefinitionRow] = []
    var payloads: [PayloadRow] = []
    var requests: [RequestRow] = []
    var entities: [EntityRow] = []
    /// Where the row of each entity stands in `entities`.
    var entityIndex: [EntityName: Int] = [:]
    var audits: [AuditRow] = []
    var memory: [MemoryRow] = []
    var memorySettlements: [MemorySettlement] = []
    var publications: [PublicationRow] = []
    var effects = HeldEffects()

    var hasRows: Bool {
        !dirtyRuns.isEmpty || !definitions.isEmpty || !payloads.isEmpty || !requests.isEmpty
            || !entities.isEmpty || !audits.isEmpty || !memory.isEmpty || !publications.isEmpty
    }
}
