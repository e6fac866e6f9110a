import Coordination
import Store
import Threads

/// The engine's shell: mailbox, clock, store, agents and callers around one
/// ``CoordinationEngine``.
///
/// It has no thread for decisions. Whoever posts and finds the engine's token free drains the
/// mailbox for everybody (`spike-engine`'s combining engine): decide, hand one batch to the store,
/// deliver what is free to go. Any thread may call; nothing blocks.
///
///     let host = try await EngineHost.start(store: store)
///     let port = host.attach(port: replies)
///     host.post([.startRun(start, ReplyTicket(port: port, call: 1))])
public final class EngineHost: AssignmentSink {
    /// The claim that this process holds on the shard.
    public let epoch: Epoch
    let store: any Store
    let configuration: EngineConfiguration
    let reader: RunReader

    private let mailbox: Mailbox<Command>
    private let events = Mailbox<HostEvent>(capacity: 1_024)
    private let gate = TokenGate()
    private let core: EngineCore
    private let timer: any TimerPort
    private let replyPorts = Locked<[any ReplyPort]>([])
    private let agentPorts = Locked(AgentPorts())
    private let preparer: Locked<Preparer?> = Locked(nil)

    init(
        engine: CoordinationEngine, store: any Store, configuration: EngineConfiguration,
        reader: RunReader, observer: any EngineObserver, timer: any TimerPort,
        onFatal: @escaping @Sendable (String) -> Void
    ) throws(ThreadStartError) {
        epoch = engine.epoch
        self.store = store
        self.configuration = configuration
        self.reader = reader
        self.timer = timer
        mailbox = Mailbox(capacity: configuration.mailboxCapacity)
        core = EngineCore(
            engine: engine, configuration: configuration, observer: observer, onFatal: onFatal)
        let preparer = try Preparer(store: store) { [weak self] outcome in
            self?.post([.prepared(outcome)])
        }
        self.preparer.withLock { $0 = preparer }
        timer.start { [weak self] in self?.timerFired() }
    }

    deinit { timer.stop() }

    // MARK: Callers

    /// Adds a place where answers go; its number is the `port` of its tickets. Ports stay for the
    /// life of the host: one per socket loop.
    public func attach(port: any ReplyPort) -> Int {
        replyPorts.withLock { ports in
            ports.append(port)
            return ports.count - 1
        }
    }

    /// Leaves commands and, unless another thread is at it already, has the engine decide them.
    ///
    /// Post once per loop tick. New work that finds the mailbox full is answered `.overloaded`
    /// through its port before this returns.
    public func post(_ commands: [Command]) {
        if commands.isEmpty { return }
        var rest = commands
        _ = mailbox.post(moving: &rest, lane: \.lane)
        if !rest.isEmpty { refuse(rest) }
        drive()
    }

    private func refuse(_ commands: [Command]) {
        let rejection = Rejection(
            .overloaded, reason: "MAILBOX_FULL",
            "\(configuration.mailboxCapacity) requests wait already; try again later",
            retryAfterMillis: 100)
        deliver(
            commands.compactMap(\.ticket).map { Reply($0, .rejected(rejection)) })
    }

    // MARK: Agents

    /// See ``AssignmentSink``.
    public func agentsJoined(_ agents: [AgentRegistration], port: any AssignmentPort) {
        if agents.isEmpty { return }
        let number = agentPorts.withLock { $0.join(agents.map(\.id), port) }
        post([.agentsJoined(agents, number)])
    }

    /// See ``AssignmentSink``.
    public func agentsLeft(_ agents: [AgentID]) {
        agentPorts.withLock { $0.leave(agents) }
        post([.agentsLeft(agents)])
    }

    /// See ``AssignmentSink``.
    public func poolJoined(_ pool: PoolRegistration, port: any AssignmentPort) {
        let number = agentPorts.withLock { $0.open(port) }
        post([.pool(.joined(pool, number))])
    }

    /// See ``AssignmentSink``.
    public func poolLeft(type: String) { post([.pool(.left(type: type))]) }

    /// See ``AssignmentSink``.
    public func instanceFailed(type: String, message: String) {
        post([.pool(.failed(type: type, message: message))])
    }

    /// See ``AssignmentSink``.
    public func finished(_ results: [AssignmentResult]) {
        post(results.map { .finished($0) })
    }

    /// See ``AssignmentSink``.
    public func heartbeat(_ heartbeats: [AssignmentHeartbeat]) {
        post([.heartbeats(heartbeats)])
    }

    /// Gives a connection of a remote instance its number, under which it says hello and is told
    /// what there is to do. Until ``close(port:)``.
    public func open(port: any AssignmentPort) -> PortNumber {
        agentPorts.withLock { $0.open(port) }
    }

    /// Nothing more goes to a connection that was opened. Post `.session(.dropped)` besides.
    public func close(port: PortNumber) {
        agentPorts.withLock { $0.close(port) }
    }

    /// Runs work on bytes (validation of a large input, say) on a preparation thread.
    ///
    /// - Returns: `false` when too much waits there; refuse the call as overloaded.
    @discardableResult
    public func offload(_ work: @escaping @Sendable () -> Void) -> Bool {
        preparer.withLock { $0 }?.run(work) ?? false
    }

    /// Tells the engine that the instant it asked for has come. Spurious calls do no harm.
    public func timerFired() {
        _ = events.post(.tick, lane: .vital)
        drive()
    }

    // MARK: Going down

    /// The beginning of ``drain(deadlineNanos:awaitsSteps:)``, which must follow. What is posted after
    /// it finds a server that goes down: streams that it ends are not held against their readers.
    public func beginDrain() {
        _ = events.post(.goingDown, lane: .vital)
        drive()
    }

    /// Refuses new work and waits until what was decided is on disk and every call is answered that
    /// can be, those that wait for the end of a run included, or until the deadline. No step begins
    /// any more; open runs stay on disk and go on after the next start.
    ///
    /// - Parameter awaitsSteps: whether to wait for the steps that agents of this process work on,
    ///   rather than for who waits for a run; those of remote workers stay with them.
    public func drain(deadlineNanos: Int64, awaitsSteps: Bool = false) async {
        await withCheckedContinuation { continuation in
            let drain = Drain(
                deadlineNanos: deadlineNanos, awaitsSteps: awaitsSteps, continuation: continuation)
            _ = events.post(.drain(drain), lane: .vital)
            drive()
        }
    }

    /// Whoever drains, now or later, waits no longer: as if the deadline had passed.
    public func endDrains() {
        _ = events.post(.drainsEnd, lane: .vital)
        drive()
    }

    /// Stops the timer and the preparation threads. Call after
    /// ``drain(deadlineNanos:awaitsSteps:)``; the store is closed by whoever opened it.
    public func close() {
        timer.stop()
        preparer.withLock { $0 }?.close()
    }

    // MARK: Under the token

    /// Drains as long as something waits and the token is free. Dispatching to agents happens
    /// inside too: results that come back at once are left in the mailbox, and this loop, not
    /// the agent's stack, goes on with them.
    private func drive() {
        gate.combine(while: { !mailbox.isEmpty || !events.isEmpty }) { turn() }
    }

    private func turn() {
        mailbox.drain(into: &core.commands)
        events.drain(into: &core.events)
        core.mailboxLength = mailbox.count
        let work = core.turn(
            EngineTime(
                monotonicNanos: SystemClock.monotonicNanos(),
                wallMillis: SystemClock.wallMillis()),
            isLowOnSpace: store.isLowOnSpace)
        // The store first: its disk works while the rest is delivered.
        for batch in work.commits { commit(batch) }
        deliver(work.output.replies)
        dispatch(work.output)
        for preparation in work.output.preparations {
            preparer.withLock { $0 }?.prepare(preparation)
        }
        for lookup in work.output.lookups { look(lookup) }
        for work in work.output.eventWork { prepare(work) }
        if let wake = work.wakeAtNanos { timer.wake(atNanos: wake) }
    }

    private func commit(_ batch: StoreBatch) {
        store.commit(batch) { [weak self] outcome in
            guard let self else { return }
            _ = events.post(.committed(batch.number, outcome), lane: .vital)
            drive()
        }
    }

    private func dispatch(_ output: TurnOutput) {
        if output.ports.isEmpty, output.modeChanges.isEmpty { return }
        let ports = agentPorts.withLock { $0 }
        for entry in output.ports where !entry.notices.isEmpty {
            ports[entry.port]?.notify(entry.notices)
        }
        if !output.modeChanges.isEmpty {
            // After the welcomes of the same turn, which may be older.
            let changes = output.modeChanges.map(SessionNotice.modeChanged)
            for port in ports.all { port.notify(changes) }
        }
        for entry in output.ports {
            guard let port = ports[entry.port] else { continue }
            if !entry.dispatches.isEmpty { port.dispatch(entry.dispatches) }
            if !entry.cancels.isEmpty { port.cancel(entry.cancels) }
            if !entry.orders.isEmpty { port.arrange(entry.orders) }
        }
    }

    /// Hands replies to their ports, one call per port, in order.
    func deliver(_ replies: [Reply]) {
        guard let first = replies.first else { return }
        let ports = replyPorts.withLock { $0 }
        if replies.allSatisfy({ $0.ticket.port == first.ticket.port }) {
            if ports.indices.contains(first.ticket.port) {
                ports[first.ticket.port].deliver(replies)
            } else if first.ticket.port == CoordinationEngine.eventPort {
                answerEvents(replies)
            }
            return
        }
        var byPort = [[Reply]](repeating: [], count: ports.count)
        for reply in replies where byPort.indices.contains(reply.ticket.port) {
            byPort[reply.ticket.port].append(reply)
        }
        for (port, own) in zip(ports, byPort) where !own.isEmpty { port.deliver(own) }
        let answers = replies.filter { $0.ticket.port == CoordinationEngine.eventPort }
        if !answers.isEmpty { answerEvents(answers) }
    }
}

/// What happened to the shell itself.
enum HostEvent: Sendable {
    case committed(BatchNumber, CommitOutcome)
    case tick
    case goingDown
    case drain(Drain)
    case drainsEnd
}

/// Somebody who waits for the end of what is open.
struct Drain: Sendable {
    var deadlineNanos: Int64
    /// Whether steps in the hands of agents of this process count, rather than who waits for a run.
    var awaitsSteps: Bool
    var continuation: CheckedContinuation<Void, Never>
}

extension Command {
    /// New work may be refused; what ends or keeps work may not.
    var lane: MailboxLane {
        switch self {
        case .putDefinition, .startRun, .invoke, .awaitRun, .watchRun, .getRun, .listDefinitions,
            .listAgents, .watchAgents, .listDeadLetters, .snapshot, .insight, .monitor,
            .keys(.list, _), .memory:
            .work
        case .breaker(let command, _): command.isVital ? .vital : .work
        case .locks(let command, _): command.isVital ? .vital : .work
        case .isolation(let command, _): command.isVital ? .vital : .work
        case .keys(.pause, _): .vital
        case .ballot, .items: .work
        case .event(let command, _): command.isVital ? .vital : .work
        case .schedule(let command, _): command.isRead || command.isNewWork ? .work : .vital
        case .operateRun(let order, _): order.operation.isSignal ? .work : .vital
        case .loaded, .reuseKnown, .cancelRun, .drainAgent, .abandon, .agentsJoined, .agentsLeft,
            .pool, .finished, .heartbeats, .session, .prepared, .eventsPrepared:
            .vital
        }
    }
}
