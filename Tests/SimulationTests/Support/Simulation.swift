import Coordination
import Store

@testable import Engine

/// One world in virtual time: clients, an engine that is killed now and then, a store, agents.
/// Everything that happens follows from the seed.
final class Simulation {
    /// What may go wrong, and how often.
    struct Faults {
        var killAtCommit = 0.04
        var diskFull = 0.03
        var dropResult = 0.05
        var duplicateResult = 0.1
        var agentDeath = 0.01
        var clockJump = 0.01
        var cancel = 0.05
        var agentFailure = 0.2
        var workerTrouble = 0.02

        static let none = Faults(
            killAtCommit: 0, diskFull: 0, dropResult: 0, duplicateResult: 0, agentDeath: 0,
            clockJump: 0, cancel: 0, agentFailure: 0, workerTrouble: 0)
    }

    enum Event {
        case command(Command)
        case reachesDisk(StoreBatch, incarnation: Int)
        case commitEnds(BatchNumber, incarnation: Int)
        case retryCommit(incarnation: Int)
        case prepared(Preparation.Outcome, incarnation: Int)
        case restart
        case definitionIsPut(Int)
        case clientLooks(Int)
        case clientInvokes
        case agentReturns(Int)
        case guardsAct
        case crowdActs
        case assignment(Assignment, incarnation: Int)
        case workerConnects(Int)
        case workerWorks(Int, AssignmentToken)
        case workerBeats(Int, connection: Int)
        case wire(SessionCommand, incarnation: Int)
    }

    struct Client {
        var definition: String
        var workflowID: String
        var conflict: StartRun.ConflictPolicy
        var run: RunID?
        var retries = 0
        /// The retry that has not been answered: until then the end of the run is not its end.
        var openRetry: UInt64?
        var isDone = false
        var tries: UInt64 = 0
    }

    static let agentCount = 5
    let seed: UInt64
    var random: SeededRandom
    var faults: Faults
    var now = EngineTime(monotonicNanos: 1_000_000, wallMillis: 1_700_000_000_000)
    /// How far the wall clock is ahead of the true time.
    private var skewMillis: Int64 = 0
    var queue = EventQueue<Event>()
    var store = StoreModel()
    var engine: CoordinationEngine?
    var incarnation = 0
    var inFlight: StoreBatch?
    var isFull = false
    var clients: [Client] = []
    var definitions: [WorkflowDefinition] = []
    var pending: Set<Preparation.Purpose> = []
    var problems: [String] = []
    var steps = 0
    var kills = 0
    /// Plain invokes of the living engine without an answer, with their deadlines.
    var openInvokes: [UInt64: Int64] = [:]
    var abandoned: Set<UInt64> = []
    var invokes: UInt64 = 0
    var dispatched: Set<AssignmentToken> = []
    var limits = EngineLimits()
    // The operator of breakers and agents.
    var acknowledged = Acknowledged()
    var isHealed = false
    var guardCalls: UInt64 = 0
    var lastMode = OperatingMode.normal
    /// Callers of ballots and batches; `nil`: there are none.
    var crowd: Crowd?
    /// Remote instances, and the number of the newest connection of any.
    var workers: [SimulatedWorker] = []
    var lastConnection = 0

    init(
        seed: UInt64, clients count: Int = 12, faults: Faults = Faults(), hasCrowd: Bool = true
    ) throws {
        if hasCrowd { crowd = Crowd(seed: seed) }
        self.seed = seed
        self.faults = faults
        random = SeededRandom(seed: seed)
        limits.maxCommandsPerBatch = random.int(1...6)
        limits.maxCachedBytes = random.chance(0.5) ? 200 : 1 << 20
        let number = random.int(1...3)
        definitions = (0..<number).map { RandomDefinition.make($0, &random) }
        definitions.append(RandomDefinition.child)
        if hasCrowd { definitions.append(Self.vote) }
        clients = (0..<count).map { index in
            Client(
                definition: "d\(index % number)",
                workflowID: random.chance(0.3) ? "w\(random.int(0...2))" : "",
                conflict: random.chance(0.7)
                    ? .useExisting : random.chance(0.5) ? .enqueue : .terminateExisting)
        }
        workers = (0..<Self.workerCount).map { SimulatedWorker(number: $0) }
        lastConnection = Self.firstConnection
        restart()
        for index in clients.indices {
            queue.add(.clientLooks(index), at: after(millis: random.int(0...300)))
        }
        queue.add(.clientInvokes, at: after(millis: 10))
        queue.add(.guardsAct, at: after(millis: 5))
        if hasCrowd { queue.add(.crowdActs, at: after(millis: 7)) }
    }

    func after(millis: Int) -> Int64 { now.monotonicNanos + Int64(millis) * 1_000_000 }

    /// Whether everybody has got what they asked for.
    var isOver: Bool { clients.allSatisfy(\.isDone) && crowd?.isDone != false }

    /// Runs until nothing is left to happen or `limit` events have passed.
    func run(limit: Int) {
        while steps < limit, problems.isEmpty, !isOver {
            guard let at = [queue.nextAt, engine?.nextDeadlineNanos].compactMap({ $0 }).min()
            else {
                problems.append("nothing will ever happen again")
                return
            }
            advance(to: max(at, now.monotonicNanos))
            steps += 1
            if let next = queue.nextAt, next <= now.monotonicNanos, let entry = queue.pop() {
                happen(entry.event)
            }
            drive()
            audit()
        }
    }

    /// From now on nothing goes wrong any more, and everybody is back.
    func heal() {
        faults = .none
        isHealed = true
        healGuards()
        putSchedule()
        if isHealed { resumeKeys() }
        for worker in workers.indices { queue.add(.workerConnects(worker), at: after(millis: 1)) }
        for agent in 0..<Self.agentCount { queue.add(.agentReturns(agent), at: after(millis: 1)) }
    }

    private func advance(to nanos: Int64) {
        let passed = (nanos - now.monotonicNanos) / 1_000_000
        now.monotonicNanos = nanos
        now.wallMillis += passed
        if random.chance(faults.clockJump) {
            // Around the true time: a clock that is set back again and again makes every timer of a
            // later process wait as much longer, which is no fault.
            let skew = Int64(random.int(-60_000...60_000))
            now.wallMillis += skew - skewMillis
            skewMillis = skew
        }
    }

    private func audit() {
        problems += store.faults
        auditGuards()
        auditCrowd()
        guard let engine else { return }
        problems += EngineAudit.faults(engine, pending: pending)
        problems += CauseAudit.faults(engine)
        if openInvokes.values.contains(where: { $0 < now.monotonicNanos }) {
            problems.append("an invoke was not answered by its deadline")
        }
    }

    // MARK: What happens

    private func happen(_ event: Event) {
        switch event {
        case .command(let command): engine?.submit(command)
        case .reachesDisk(let batch, let of): if of == incarnation { reachesDisk(batch) }
        case .commitEnds(let number, let of): if of == incarnation { commitEnds(number) }
        case .retryCommit(let of):
            if of == incarnation, let batch = inFlight { commit(batch) }
        case .prepared(let outcome, let of):
            if of == incarnation { deliver(outcome) }
        case .restart: restart()
        case .definitionIsPut(let index): putDefinition(index)
        case .clientLooks(let index): clientLooks(index)
        case .clientInvokes: clientInvokes()
        case .agentReturns(let index): join(index)
        case .guardsAct: isHealed ? stayHealed() : guardsAct()
        case .crowdActs: crowdActs()
        case .assignment(let assignment, _): work(assignment)
        case .workerConnects(let index): connect(index)
        case .workerWorks(let index, let token): finish(index, token)
        case .workerBeats(let index, let connection): beat(index, connection)
        case .wire(let command, let of):
            if of == incarnation { engine?.submit(.session(command)) }
        }
        if random.chance(faults.workerTrouble) { trouble(random.int(0...(Self.workerCount - 1))) }
        if random.chance(faults.agentDeath) { agentDies(random.int(0...(Self.agentCount - 1))) }
    }

    private func restart() {
        guard engine == nil else { return }
        incarnation += 1
        inFlight = nil
        pending = []
        do {
            engine = try store.recover(limits, at: now)
        } catch {
            problems.append("recovery: \(error)")
        }
        for agent in 0..<Self.agentCount where random.chance(0.8) { join(agent) }
        for agent in 0..<Self.agentCount {
            queue.add(.agentReturns(agent), at: after(millis: random.int(1...500)))
        }
        for worker in workers.indices {
            queue.add(.workerConnects(worker), at: after(millis: random.int(1...400)))
        }
        for index in definitions.indices { putDefinition(index) }
        putSchedule()
    }

    private func putDefinition(_ index: Int) {
        let put = PutDefinition(namespace: .default, definition: definitions[index])
        engine?.submit(.putDefinition(put, ReplyTicket(port: 9, call: UInt64(index))))
    }

    /// The process dies: what is not in the store is gone.
    func kill() {
        kills += 1
        engine = nil
        for index in clients.indices { clients[index].openRetry = nil }
        guardsKilled()
        crowdKilled()
        for worker in workers.indices { workers[worker].connection = nil }
        openInvokes = [:]
        inFlight = nil
        queue.add(.restart, at: after(millis: random.int(1...200)))
    }

    // MARK: Agents

    func agentID(_ index: Int) -> AgentID { AgentID("t\(index % 2)/\(index)") }

    private func join(_ index: Int) {
        let registration = AgentRegistration(
            id: agentID(index), type: "t\(index % 2)",
            operations: [OperationDescriptor(name: "work", summary: "", isIdempotent: true)],
            slots: 1 + index % 2)
        engine?.submit(.agentsJoined([registration], PortNumber(rawValue: index)))
    }

    private func agentDies(_ index: Int) {
        engine?.submit(.agentsLeft([agentID(index)]))
        queue.add(.agentReturns(index), at: after(millis: random.int(1...400)))
    }

    private func work(_ assignment: Assignment) {
        var outcome = AssignmentOutcome.success(
            Payload(bytes: Array("{\"got\":".utf8) + assignment.payload.bytes + [0x7d]))
        if let answer = answerToBatch(assignment) { outcome = .success(answer) }
        if random.chance(faults.agentFailure) {
            outcome = .failure(
                StepFailure(
                    type: "flaky", message: "chance", retryable: random.chance(0.8),
                    retryAfterMillis: random.chance(0.2) ? 5 : nil))
        }
        if random.chance(faults.dropResult) { return }
        let result = AssignmentResult(
            token: assignment.token, outcome: outcome, startedNanos: now.monotonicNanos,
            endedNanos: now.monotonicNanos + 1_000)
        for _ in 0..<(random.chance(faults.duplicateResult) ? 2 : 1) {
            queue.add(.command(.finished(result)), at: after(millis: random.int(0...80)))
        }
    }

    // MARK: Clients

    private func clientInvokes() {
        invokes += 1
        let ticket = ReplyTicket(port: 8, call: invokes)
        let invoke = Invoke(
            namespace: .default, agentType: "t\(random.int(0...2))",
            instance: random.chance(0.2) ? agentID(random.int(0...4)) : nil,
            operation: random.chance(0.9) ? "work" : "fly",
            payload: Payload(bytes: Array("1".utf8)), deadlineNanos: after(millis: 300),
            arrivedNanos: now.monotonicNanos, priority: random.int(1...5))
        if engine != nil {
            openInvokes[invokes] = after(millis: 300)
            engine?.submit(.invoke(invoke, ticket))
            if random.chance(0.1) {
                openInvokes[invokes] = nil
                abandoned.insert(invokes)
                engine?.submit(.abandon(ticket))
            }
        }
        queue.add(.clientInvokes, at: after(millis: random.int(10...250)))
    }

    private func clientLooks(_ index: Int) {
        var client = clients[index]
        if client.isDone { return }
        client.tries += 1
        let ticket = ReplyTicket(port: index + 10, call: client.tries)
        if let run = client.run {
            let reference = RunReference.run(.default, run)
            operate(run, ticket)
            if random.chance(faults.cancel) {
                engine?.submit(
                    .cancelRun(CancelRun(run: reference, reason: "chance"), ticket))
            } else {
                engine?.submit(
                    random.chance(0.3) ? .watchRun(reference, ticket) : .awaitRun(reference, ticket)
                )
            }
        } else {
            let start = StartRun(
                namespace: .default, definition: client.definition,
                workflowID: client.workflowID,
                input: Payload(bytes: Array("{\"n\":\(index)}".utf8)),
                requestID: "r\(index)", conflict: client.conflict,
                reuse: index % 4 == 0 ? .allowIfFailed : .allow,
                attributes: [RunAttribute(name: "n", value: .number(Double(index)))])
            engine?.submit(.startRun(start, ticket))
        }
        clients[index] = client
        queue.add(.clientLooks(index), at: after(millis: random.int(100...1_000)))
    }
}
