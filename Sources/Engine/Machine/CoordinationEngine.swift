import Coordination
import Store

/// The engine of one shard as a passive machine: commands in, store batches and released effects
/// out. No clock, no thread, no I/O; ``EngineHost`` is its shell, simulations drive it by hand.
///
/// One drain goes like this:
///
///     engine.submit(contentsOf: commands)
///     let output = engine.turn(now, random: random)   // decide; perform what is free to go
///     // small preparations are made at once and submitted, then another turn
///     if let batch = engine.seal() { store.commit(batch) }
///     // ... later
///     let released = engine.batchCommitted(number, now: now)
///
/// **Law 4.** Nothing leaves before what it saw is on disk. Runs, definitions and request ids
/// remember the newest batch that changed them; an answer or dispatch that wrote or read one is
/// held until that batch is committed. A closed run stays in memory until its end is on disk, so
/// whoever does not find a run here finds the truth in the store. Plain invokes touch the agent
/// pool only, which is volatile, and pass freely.
///
/// **Batches.** One is in flight and one filling. When the filling one has taken its commands,
/// further durable commands wait in `backlog`, in order; volatile ones go on. New work that finds
/// it full, or the disk, is refused at once.
///
/// **Every function is `mutating`, also one that only reads.** Swift hands `self` to a function
/// that is not as a copy on the stack: here 7 KB, once a call.
public struct CoordinationEngine: Sendable {
    /// Which shard it decides for, in which epoch, and what it takes.
    public let shard: ShardID
    public let epoch: Epoch
    public let limits: EngineLimits

    var now = EngineTime(monotonicNanos: 0, wallMillis: 0)
    private var clock = SteadyClock()
    var randomState: UInt64 = 0

    // What there is.
    var pool: AgentPool
    var jobs = Slab(vacant: Job.vacant)
    var tokens = SerialMap<Int32>(vacant: -1)
    var runs = Slab(vacant: RunCell.vacant)
    var runIndex: [RunID: Int32] = [:]
    /// The newest run in memory of each workflow id that a caller has named.
    var workflowIndex: [ScopedName: Int32] = [:]
    var definitions: [ScopedName: DefinitionEntry] = [:]
    /// What versions said that are current no more.
    var versionMarks: [ScopedName: VersionMarks] = [:]
    /// The newest batch that changed any definition.
    var definitionsChangedIn = BatchNumber.none
    var requests: RequestLog
    var payloads: PayloadCache
    var timers = IndexedHeap<TimerPurpose>()
    var sessions = Slab(vacant: SessionCell.vacant)
    var sessionIndex: [SessionID: Int32] = [:]
    /// Which session each connection serves.
    var sessionOfPort: [Int: Int32] = [:]
    var orphans = OrphanedWork()
    /// First words that name assignments, until every restored run is taken up.
    var waitingHellos: [WaitingHello] = []
    /// Who follows the pool, and the number of its newest change.
    var agentWatchers: [ReplyTicket] = []
    var agentSequence: Int64 = 0
    var open = OpenCalls()
    /// Pools of in-process instances, by type.
    var elastic: [Int32: ElasticCell] = [:]
    var breakers = BreakerTables()
    var isolator = FailureIsolator()
    var isolationPolicies = IsolationPolicies()
    /// Handle of the timer of the isolator; -1: none.
    var isolationTimer: Int32 = -1
    /// The newest batch that changed an isolation or its policies.
    var isolationChangedIn = BatchNumber.none
    var router = EventRouter()
    var keys = KeyTable()
    var events = EventTables()
    var subscriptions = SubscriptionTables()
    var graphs: GraphLog
    var ownCalls = OwnCalls()
    var ballots = BallotTables()
    var items = ItemTables()
    /// Closed runs that the store has been asked for.
    var loading: Set<RunID> = []
    /// Starts and results whose payloads are being held against a contract.
    var held = HeldPayloads()
    /// Steps that start or feed other runs, as soon as a batch has room for it.
    var waitingParts = WaitingParts()
    /// How many open runs descend from each run that began by itself and has such.
    var descendants: [RunID: Int] = [:]
    /// Steps that were parked, and perhaps released since.
    var parked = ParkedSteps()
    /// The first of the jobs that hold slots of an instance, by instance.
    var heldJobs: [Int32] = []
    var recorded = RecordedCalls()
    /// The open calls made on behalf of an assignment, by its token.
    var children: [UInt64: Set<ReplyTicket>] = [:]
    /// Restored runs, and how many of them have been taken up.
    var recovering: [RunID] = []
    var takenUp = 0
    /// Until when those who worked for an earlier process may still come back; `.min`: it left nothing.
    var returnEndNanos = Int64.min
    /// What of them is due at a time, until all have been.
    var restoredTimers: [RestoredTimer] = []
    var openInvokes = 0
    /// Payload bytes of those.
    var openInvokeBytes = 0
    /// Runs that have not ended (cells of ended ones stay until their end is on disk).
    var openRuns = 0

    var schedules = ScheduleTable()
    var stepCache = StepCache()
    var meter = CoordinationMeter()
    /// When the batch in flight was handed out.
    private var sealedNanos: Int64 = 0
    var memory = SharedMemory()
    var locks = LockSpaces()

    // What comes next.
    var inbox: [Command] = []
    var backlog = CommandBacklog()
    var actions: [(run: Int32, action: RunAction)] = []
    var actionHead = 0
    var agentsToServe: [Int32] = []
    var scratch = RunOutput()

    // Batches.
    var committed = BatchNumber.none
    var inFlight: BatchNumber?
    var inFlightEffects = HeldEffects()
    var draft = BatchDraft()
    /// Whether the store has refused a batch for want of room; new durable work is refused until one fits.
    public internal(set) var isDiskFull = false
    /// Told by the shell: the disk is about to fill, so that new durable work is refused.
    public var isLowOnSpace = false
    /// Told by the shell, for the snapshot.
    public var mailboxLength = 0
    public internal(set) var isDraining = false
    /// Who waited when it began to drain, and for runs since; see ``refuseUnanswerable()``.
    var lastCallers: [ReplyTicket] = []

    // Identifiers of this epoch.
    var lastToken: UInt64
    var lastRun: UInt64
    var lastPayload: UInt64
    var lastSession: UInt64

    // What may go at once.
    var ready = TurnOutput()
    var busyNanos: [Int64] = []
    var busyTypes: [Int32] = []

    /// An engine without runs, for an epoch that the store has granted.
    ///
    /// - Parameter secret: any number that clients cannot guess; see ``RequestLog``.
    public init(
        shard: ShardID, epoch: Epoch, limits: EngineLimits = .defaults, secret: UInt64 = 0
    ) {
        self.shard = shard
        self.epoch = epoch
        self.limits = limits
        pool = AgentPool(maxWaiting: limits.maxWaitingPerType)
        requests = RequestLog(
            maxPerNamespace: limits.maxRequests, maxInAll: limits.maxRequestsInAll,
            lifeMillis: limits.requestLifeMillis,
            secret: secret)
        payloads = PayloadCache(maxBytes: limits.maxCachedBytes)
        // Past 2^32 in one epoch a counter runs on into the bits above it: the next epoch is
        // at least the wall clock's seconds, far beyond where that leads.
        let base = Serial(epoch: epoch, counter: 0).rawValue
        lastToken = base
        lastRun = base
        lastPayload = base
        lastSession = base
        graphs = GraphLog(epoch: epoch)
    }

    // MARK: Turns

    /// Leaves a command for the next turn.
    public mutating func submit(_ command: Command) { inbox.append(command) }

    /// Leaves commands for the next turn, in order.
    public mutating func submit(contentsOf commands: [Command]) {
        if inbox.isEmpty { inbox = commands } else { inbox.append(contentsOf: commands) }
    }

    /// Decides everything that is due and all submitted commands, as far as the filling batch has
    /// room, and gives what need not wait for a commit.
    ///
    /// - Parameters:
    ///   - time: one reading for the whole turn; it goes back for nobody, see ``SteadyClock``.
    ///   - random: the turn's only source of chance.
    public mutating func turn(_ time: EngineTime, random: UInt64) -> TurnOutput {
        advance(to: time)
        randomState ^= random
        meter.begin(at: now)
        takeUpRestoredEntities()
        takeUpRestoredKeys()
        takeUpRestoredItems()
        takeUpRestoredMemory()
        takeUpRestoredLocks()
        takeUpRestoredTopics()
        fireTimers()
        takeUpRecoveredRuns()
        takeWaitingParts()
        takeWaitingSubscribers()
        takeBacklog()
        let commands = inbox
        inbox = []
        for command in commands { take(command) }
        takeDueSchedules()
        takeDueMemory()
        takeDueLocks()
        tellLockQueues()
        if isDraining { refuseUnanswerable() }
        noteBusyTime()
        noteBreakers()
        return takeReady()
    }

    /// The filling batch, made ready for the store; `nil` when one is in flight or nothing is to
    /// be written. The caller must hand it to the store.
    public mutating func seal() -> StoreBatch? {
        guard draft.hasRows || events.hasDoomed else {
            // Commands that changed nothing (rejections, stale results) must not use up the room.
            draft.commands = 0
            draft.due = DueCounts()
            return nil
        }
        guard inFlight == nil else { return nil }
        let number = committed.next
        let batch = makeBatch(number)
        inFlight = number
        inFlightEffects = draft.effects
        sealedCommands = draft.commands
        sealedNanos = now.monotonicNanos
        draft = BatchDraft()
        return batch
    }

    /// The batch in flight is on disk: gives all that waited for it.
    public mutating func batchCommitted(
        _ number: BatchNumber, at time: EngineTime
    ) -> TurnOutput {
        precondition(inFlight == number, "batches are committed one by one, in order")
        advance(to: time)
        committed = number
        inFlight = nil
        isDiskFull = false
        meter.committed(
            commands: sealedCommands, nanos: now.monotonicNanos - sealedNanos)
        let effects = inFlightEffects
        inFlightEffects = HeldEffects()
        release(effects)
        payloads.trim(committed: committed)
        return takeReady()
    }

    /// The store has no room for the batch in flight; the shell hands it over again later. New
    /// durable work is refused until a batch is committed, that which waits already included.
    public mutating func diskFilled() {
        isDiskFull = true
        for ticket in backlog.strikeNewWork() { reject(ticket, .diskFull) }
    }

    /// Whether everything decided is on disk.
    public var isQuiet: Bool {
        inFlight == nil && !draft.hasRows && backlog.isEmpty && inbox.isEmpty
            && held.starts.isEmpty && held.results.isEmpty && ballots.reports.isEmpty
            && takenUp == recovering.count
    }

    /// Whether a turn would find something to do at `monotonicNanos` without new commands.
    public mutating func hasWork(atNanos monotonicNanos: Int64) -> Bool {
        if !inbox.isEmpty { return true }
        if let next = timers.smallestKey, next <= monotonicNanos { return true }
        if hasRoomForParts, !waitingParts.isEmpty { return true }
        if hasRoomForParts, !subscriptions.waiting.isEmpty { return true }
        if events.hasDoomed, inFlight == nil { return true }
        if hasDueWork { return true }
        return hasRoom && (!backlog.isEmpty || takenUp < recovering.count)
    }

    /// Whether submitted commands wait for a turn.
    public var hasInput: Bool { !inbox.isEmpty }
    /// Commands in the batch that was sealed last.
    public internal(set) var sealedCommands = 0

    /// The monotonic instant at which the next turn is due; `nil`: only when something comes.
    public var nextDeadlineNanos: Int64? { timers.smallestKey }

    /// The store cannot be trusted any more: nothing that is held may leave. Every open call is
    /// answered as unavailable; the engine must not be used afterwards.
    public mutating func abandonAll(_ rejection: Rejection) -> [Reply] {
        var tickets = open.tickets
        tickets += inFlightEffects.allReplies.map(\.ticket)
        tickets += draft.effects.allReplies.map(\.ticket)
        tickets += inFlightEffects.lookups.map(\.ticket) + draft.effects.lookups.map(\.ticket)
        tickets += held.starts.keys
        tickets += ballots.reports.keys
        tickets += backlog.tickets + inbox.compactMap(\.ticket)
        open = OpenCalls()
        let ordered = Set(tickets).sorted { ($0.port, $0.call) < ($1.port, $1.call) }
        return ordered.map { Reply(ticket: $0, answer: .rejected(rejection)) }
    }

    // MARK: Order of commands

    mutating func take(_ command: Command) {
        if isVolatile(command) {
            decide(command)
        } else if hasRoom, backlog.isEmpty {
            draft.commands += 1
            decide(command)
        } else if let refusal = refusalOfWaiting(command), let ticket = command.ticket {
            reject(ticket, refusal)
        } else {
            backlog.append(command)
        }
    }

    private mutating func takeBacklog() {
        while hasRoom, let command = backlog.popFirst() {
            draft.commands += 1
            decide(command)
        }
    }

    /// Why new work may not wait for a batch; everything else may.
    private mutating func refusalOfWaiting(_ command: Command) -> Rejection? {
        guard command.isNewDurableWork else { return nil }
        if isDiskFull || isLowOnSpace { return .diskFull }
        let isFull =
            backlog.count >= limits.maxBacklogCommands || backlog.bytes > limits.maxBacklogBytes
        return isFull ? .backlogFull(backlog.count) : nil
    }

    /// Whether a command can change nothing that is stored, so that it needs no room in a batch.
    private mutating func isVolatile(_ command: Command) -> Bool {
        switch command {
        case .breaker(let command, _): return command.isVolatile
        case .isolation(.getPolicy, _): return true
        case .isolation: return false
        case .invoke, .listAgents, .listDeadLetters, .watchAgents, .drainAgent, .snapshot,
            .listDefinitions, .getRun, .insight, .monitor,
            .awaitRun, .watchRun,
            .abandon:
            return true
        case .schedule(let command, _): return command.isRead
        case .memory(let command, _): return command.isRead
        case .locks(let command, _): return command.isVolatile
        case .keys(.list, _): return true
        case .keys(.pause, _): return false
        case .ballot(let command, _): return command.isVolatile
        case .items(let command, _): return command.isVolatile
        case .event(let command, _): return command.isVolatile
        case .finished(let result), .session(.result(let result, _)):
            return isVolatile(result)
        case .session(.left): return backlog.isEmpty
        case .session, .heartbeats, .pool: return true
        case .agentsJoined, .agentsLeft:
            // Behind a backlog they keep their place among the results there.
            return backlog.isEmpty
        case .prepared(let outcome): return outcome.purpose.isVolatile
        case .putDefinition, .startRun, .cancelRun, .operateRun, .loaded, .reuseKnown,
            .eventsPrepared:
            return false
        }
    }

    /// Whether a result changes nothing that is stored.
    mutating func isVolatile(_ result: AssignmentResult) -> Bool {
        guard let job = tokens[result.token.serial.rawValue] else { return true }
        if case .invoke = jobs[job].work { return true }
        return false
    }

    private mutating func decide(_ command: Command) {
        switch command {
        case .putDefinition(let put, let ticket): putDefinition(put, ticket)
        case .startRun(let start, let ticket): startRun(start, ticket)
        case .invoke(let invoke, let ticket): self.invoke(invoke, ticket)
        case .breaker(let command, let ticket): decide(command, ticket)
        case .isolation(let command, let ticket): decide(command, ticket)
        case .awaitRun(let run, let ticket): awaitRun(run, ticket)
        case .watchRun(let run, let ticket): watchRun(run, ticket)
        case .getRun(let run, let ticket): getRun(run, ticket)
        case .listDefinitions(let namespace, let ticket): listDefinitions(namespace, ticket)
        case .listAgents(let ticket): listAgents(ticket)
        case .listDeadLetters(let namespace, let after, let limit, let ticket):
            listDeadLetters(namespace, after: after, limit: limit, ticket)
        case .watchAgents(let ticket): watchAgents(ticket)
        case .drainAgent(let id, let reason, let ticket): drainAgent(id, reason: reason, ticket)
        case .snapshot(let ticket): ready.replies.append(Reply(ticket, .snapshot(snapshot)))
        case .schedule(let command, let ticket): decide(command, ticket)
        case .keys(let command, let ticket): decide(command, ticket)
        case .event(let command, let ticket): decide(command, ticket)
        case .insight(let command, let ticket): decide(command, ticket)
        case .ballot(let command, let ticket): decide(command, ticket)
        case .items(let command, let ticket): decide(command, ticket)
        case .monitor(let command, let ticket): decide(command, ticket)
        case .memory(let command, let ticket): decide(command, ticket)
        case .locks(let command, let ticket): decide(command, ticket)
        case .cancelRun(let cancel, let ticket): cancelRun(cancel, ticket)
        case .operateRun(let order, let ticket): operate(order, ticket)
        case .loaded(let state, let order, let ticket): reopen(state, order, ticket)
        case .reuseKnown(let last, let namespace, let name, let ticket):
            reuseKnown(last, namespace, name, ticket)
        case .abandon(let ticket): abandon(ticket)
        case .agentsJoined(let agents, let port): agentsJoined(agents, port)
        case .agentsLeft(let agents): agentsLeft(agents)
        case .pool(let command): decide(command)
        case .finished(let result): finished(result)
        case .heartbeats(let heartbeats): for heartbeat in heartbeats { heard(heartbeat) }
        case .session(let command): session(command)
        case .prepared(let outcome): prepared(outcome)
        case .eventsPrepared(let outcome): eventsPrepared(outcome)
        }
        settle()
    }

    /// Performs what the last decision caused, until nothing follows any more.
    mutating func settle() {
        while true {
            if actionHead < actions.count {
                let (run, action) = actions[actionHead]
                actionHead += 1
                perform(action, run)
            } else if let agent = agentsToServe.popLast() {
                serve(agent)
            } else if let gate = keys.opened.popLast() {
                serveGate(gate)
            } else if let reply = ownCalls.replies.popLast() {
                take(reply)
            } else {
                break
            }
        }
        if actionHead > 0 {
            actions.removeAll(keepingCapacity: true)
            actionHead = 0
        }
    }

    // MARK: Time and chance

    mutating func advance(to time: EngineTime) {
        clock.advance(to: time)
        now = clock.now
    }

    /// SplitMix64 over what the turns brought: spreads, but can be foretold. Never for secrets.
    mutating func nextRandom() -> UInt64 {
        randomState &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mix(randomState)
    }

    mutating func fireTimers() {
        while let purpose = timers.popFirst(upTo: now.monotonicNanos) {
            switch purpose {
            case .job(let job): jobTimedOut(job)
            case .step(let run, let step):
                runs[run].steps[step].timer = -1
                let at = now.wallMillis
                change(run) { machine, out, _ in machine.timerFired(step, at: at, into: &out) }
            case .breaker(let cell): breakerDue(cell)
            case .mode(let mode): modeDue(mode)
            case .held(let run, let step): heldStepDue(run, step)
            case .isolation: isolationDue()
            case .gate(let gate): gateDue(gate)
            case .keyPause(let pause): keyPauseDue(pause)
            case .ballot(let ballot): ballotDue(ballot)
            case .items(let batch): batchDue(batch)
            case .topicAge(let topic): topicAgeDue(topic)
            case .subscriber(let subscriber): subscriberDue(subscriber)
            case .skippedEvents: skippedDue()
            case .schedule(let schedule): scheduleTimeCame(schedule)
            case .clocks: compareClocks()
            case .run(let run):
                runs[run].runTimer = -1
                let at = now.wallMillis
                change(run) { machine, out, _ in machine.runTimedOut(at: at, into: &out) }
            case .session(let session): leaseDue(session)
            case .elastic(let type): elasticDue(type)
            case .memory(let cell): memoryTimeCame(cell)
            case .locks(let cell): lockTimeCame(cell)
            }
            settle()
        }
    }

    // MARK: Output

    private mutating func takeReady() -> TurnOutput {
        var output = TurnOutput()
        swap(&output, &ready)
        return output
    }
}
