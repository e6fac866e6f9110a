import Coordination
import JSON
import Threads

/// Gives in-process agents to the engine, through the same assignment port that remote workers use.
///
/// Inline agents start on the dispatching thread, so a short operation costs no thread hop;
/// others run on a thread of their own. Any thread may call.
public final class AgentHost: AssignmentPort {
    let seats = Locked<[AgentID: AgentSeat]>([:])
    /// By agent type.
    let makers = Locked<[String: PoolMaker]>([:])
    /// The breakers at hand for its agents; ``AgentContext/breaker(_:)`` gives them to operations.
    public let breakers: BreakerShelf
    let sink: any AssignmentSink
    let outbox: ResultOutbox
    let shared: AgentExecutor

    /// A host without agents whose results go to `sink`.
    ///
    /// - Parameter link: how the breakers of its agents reach the engine. Default: they do not, and
    ///   let every call pass.
    /// - Throws: when the system refuses a thread; free some, or raise the process limit.
    public init(
        sink: any AssignmentSink, breakers link: (any BreakerLink)? = nil
    ) throws(ThreadStartError) {
        let breakers = link.map { BreakerShelf(link: $0) } ?? .unguarded
        let outbox = ResultOutbox(sink: sink, breakers: breakers)
        self.breakers = breakers
        self.sink = sink
        self.outbox = outbox
        shared = try AgentExecutor(name: "agents") { outbox.flush() }
    }

    deinit { Self.end(Array(seats.snapshot.values), shared) }

    /// Adds instances of an agent and announces them. Their ids are `type/1`, `type/2`, ...
    ///
    /// - Parameters:
    ///   - instances: 1 or more; they share one agent value.
    ///   - slots: assignments that each takes at once, 1 or more. Default 64.
    /// - Throws: when the agent wants a thread of its own and the system refuses one.
    public func add<A: Agent>(
        _ agent: A, instances: Int = 1, slots: Int = 64
    ) throws(ThreadStartError) {
        let seat = try seat(for: agent)
        let registrations = (1...max(1, instances)).map {
            seat.registration(number: $0, slots: slots)
        }
        join(seat, registrations)
    }

    /// Adds one instance and says what it is; for workers.
    func addOne<A: Agent>(
        _ agent: A, slots: Int
    ) throws(ThreadStartError) -> AgentRegistration {
        let seat = try seat(for: agent)
        let registration = seat.registration(slots: slots)
        join(seat, [registration])
        return registration
    }

    func join(_ seat: AgentSeat, _ registrations: [AgentRegistration]) {
        seats.withLock { seats in
            for registration in registrations { seats[registration.id] = seat }
        }
        sink.agentsJoined(registrations, port: self)
    }

    /// Takes the modes of namespaces; an in-process host is told nothing else.
    public func notify(_ notices: [SessionNotice]) {
        for case .modeChanged(let change) in notices { outbox.modeChanged(change) }
    }

    public func dispatch(_ assignments: [Assignment]) {
        let seats = seats.snapshot
        var done: [AssignmentResult] = []
        // Most of a batch goes to one instance, so the last one found is kept at hand.
        var last: (agent: AgentID, seat: AgentSeat?)?
        // When the next operation begins: for those done at once, when the one before ended, since
        // reading the clock costs more than a short operation.
        var began: Int64?
        outbox.dispatchBegan()
        for assignment in assignments {
            if outbox.takeCancelled(assignment.token) {
                began = nil
                done.append(Self.notBegun(assignment, Self.failure(from: CancellationError())))
                continue
            }
            if last?.agent != assignment.agent {
                last = (assignment.agent, seats[assignment.agent])
            }
            guard let seat = last?.seat else {
                done.append(Self.nobody(assignment))
                continue
            }
            let start = began ?? SystemClock.monotonicNanos()
            if let result = Self.performAtOnce(assignment, at: seat, from: start, outbox) {
                began = result.endedNanos
                done.append(result)
            } else {
                began = nil
                outbox.started(assignment.token, begin(assignment, at: seat))
            }
        }
        if !done.isEmpty { sink.finished(done) }
        outbox.dispatchEnded()
    }

    /// Runs an inline operation that never awaits; `nil` when it is another kind.
    private static func performAtOnce(
        _ assignment: Assignment, at seat: AgentSeat, from started: Int64, _ signals: ResultOutbox
    ) -> AssignmentResult? {
        guard seat.startsInline, seat.reset == nil,
            let body = seat.operation(assignment.operation)?.immediateBody
        else { return nil }
        let outcome: AssignmentOutcome
        do {
            let context = AgentContext(assignment, signals: signals)
            outcome = Self.outcome(of: try body(assignment.payload, context))
        } catch {
            outcome = .failure(failure(from: error))
        }
        return AssignmentResult(
            token: assignment.token, outcome: outcome, startedNanos: started,
            endedNanos: SystemClock.monotonicNanos())
    }

    public func cancel(_ tokens: [AssignmentToken]) {
        outbox.cancel(tokens)
    }

    /// How long instances may take to end when the host leaves.
    private static let endLimit = Duration.seconds(5)

    /// Takes all agents out of the pool, cancels what they do, retires pooled instances and ends
    /// their threads.
    ///
    /// - Returns: what ends when all that is done, at the latest after 5 s: wait for it before the
    ///   process ends. Cancelled, it waits no longer.
    @discardableResult
    public func leave() -> Task<Void, Never> {
        let left = seats.withLock { seats in
            let left = seats
            seats.removeAll()
            return left
        }
        let pools = makers.withLock { makers in
            let pools = Array(makers.keys)
            makers.removeAll()
            return pools
        }
        for type in pools { sink.poolLeft(type: type) }
        sink.agentsLeft(Array(left.keys))
        outbox.cancelAll()
        return Self.end(Array(left.values), shared)
    }

    /// Ends instances, those that several ids stand for once, then the thread they share.
    @discardableResult
    private static func end(_ seats: [AgentSeat], _ shared: AgentExecutor) -> Task<Void, Never> {
        let seats = Dictionary(seats.map { (ObjectIdentifier($0), $0) }) { first, _ in first }
        let ending = Task.detached {
            await withDiscardingTaskGroup { group in
                for seat in seats.values { group.addTask { await seat.endWhenIdle(shared) } }
            }
        }
        return Task.detached {
            await ending.end(within: endLimit)
            shared.stop()
        }
    }

    func seat<A: Agent>(
        for agent: A, isPooled: Bool = false
    ) throws(ThreadStartError) -> AgentSeat {
        let outbox = self.outbox
        let executor =
            agent.execution == .inline
            ? shared : try AgentExecutor(name: A.type, successor: shared) { outbox.flush() }
        return AgentSeat(agent, on: executor, isPooled: isPooled)
    }

    private func begin(_ assignment: Assignment, at seat: AgentSeat) -> Task<Void, Never> {
        if seat.reset != nil { return beginRenewed(assignment, at: seat) }
        let outbox = self.outbox
        let work: @Sendable () async -> Void = {
            outbox.finished(await Self.perform(assignment, at: seat, signals: outbox))
        }
        if seat.startsInline {
            return Task.immediateDetached(
                executorPreference: seat.executor, operation: work)
        }
        return Task.detached(executorPreference: seat.executor, operation: work)
    }

    static func perform(
        _ assignment: Assignment, at seat: AgentSeat, signals: ResultOutbox
    ) async -> AssignmentResult {
        let started = SystemClock.monotonicNanos()
        let outcome: AssignmentOutcome
        do {
            // It may have waited for its turn until nobody waits for it any more.
            try Task.checkCancellation()
            outcome = Self.outcome(of: try await run(assignment, at: seat, signals: signals))
        } catch {
            outcome = .failure(failure(from: error))
        }
        return AssignmentResult(
            token: assignment.token, outcome: outcome, startedNanos: started,
            endedNanos: SystemClock.monotonicNanos())
    }

    private static func run(
        _ assignment: Assignment, at seat: AgentSeat, signals: ResultOutbox
    ) async throws -> Payload {
        if let operation = seat.operation(assignment.operation) {
            let context = AgentContext(assignment, signals: signals)
            return try await operation.body(assignment.payload, context)
        }
        guard assignment.operation == Assignment.healthOperation else {
            throw StepFailure(
                type: "unknown_operation",
                message: "\(assignment.agent) has no operation \(assignment.operation); it has "
                    + seat.operationNames.joined(separator: ", "),
                retryable: false)
        }
        return Payload(bytes: try JSONCoding.encode(try await seat.health()))
    }

    /// An output that no answer can carry is a failure that says so.
    private static func outcome(of output: Payload) -> AssignmentOutcome {
        let outcome = AssignmentOutcome.success(output)
        return output.bytes.count > AssignmentOutcome.maxOutputBytes ? outcome.bounded : outcome
    }

    static func failure(from error: any Error) -> StepFailure {
        switch error {
        case let failure as StepFailure: failure.bounded
        case is CancellationError:
            StepFailure(
                type: "cancelled", message: "the operation was cancelled", retryable: true)
        default:
            StepFailure(type: "agent_error", message: String(describing: error), retryable: true)
                .bounded
        }
    }

    private static func nobody(_ assignment: Assignment) -> AssignmentResult {
        notBegun(
            assignment,
            StepFailure(
                type: "agent_left", message: "\(assignment.agent) has left this host",
                retryable: true))
    }

    static func notBegun(_ assignment: Assignment, _ failure: StepFailure) -> AssignmentResult {
        let now = SystemClock.monotonicNanos()
        return AssignmentResult(
            token: assignment.token, outcome: .failure(failure), startedNanos: now,
            endedNanos: now)
    }
}

extension Task<Void, Never> {
    /// Waits for its end, but no longer than `limit`.
    fileprivate func end(within limit: Duration) async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let clock = Task.detached {
            try? await Task<Never, Never>.sleep(for: limit)
            end.finish()
        }
        Task.detached {
            await value
            end.finish()
        }
        for await _ in ends {}
        clock.cancel()
    }
}
