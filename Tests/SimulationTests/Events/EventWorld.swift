import Coordination
import JSON
import Store

@testable import Engine

/// Publishers, a reader of a stream, an agent and a workflow around one engine, in virtual time, under
/// one seed: commits come late, the process dies between any two steps and takes up again what is on
/// disk, readers refuse, fall silent and come again.
struct EventWorld {
    let seed: UInt64
    private(set) var problems: [String] = []
    private var random: SeededRandom
    private var store = EventStore()
    private var engine: CoordinationEngine
    private var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    private var sealed: StoreBatch?
    private var calls: UInt64 = 0
    private var isHealing = false

    // Publishers.
    private var nextNumber = 0
    /// Publications without an answer: the call, and what is published.
    private var unanswered: [UInt64: Int] = [:]
    private var toPublish: [Int] = []
    /// Sequence by what was published, as answered.
    private var answered: [Int: Int64] = [:]

    // The reader of subscription "stream".
    private var stream: UInt64?
    private var flow: UInt32 = 0
    private var readFrom: Int64?
    private var out: [Int64] = []
    private var lastNew: Int64 = 0
    private var handled: Set<Int64> = []

    // The agent of subscription "agent".
    private var working: [Assignment] = []
    private var lastGiven: Int64 = 0
    private var given: Set<Int64> = []

    private static let topics = ["a", "b.x", "b.y", "c"]
    private static let wanted = [TopicPattern("a"), TopicPattern("b.*")].compactMap { $0 }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        engine = try store.recover()
        begin()
    }

    private mutating func begin() {
        var step = StepDefinition(id: "wait", agentType: "", operation: "")
        step.kind = .wait(WaitSpec(signal: "go"))
        let flow = WorkflowDefinition(name: "flow", version: "1", steps: [step])
        send { .putDefinition(PutDefinition(namespace: .default, definition: flow), $0) }
        let policy = DeliveryPolicy(maxAttempts: 4, initialMillis: 50, ackTimeoutMillis: 2_000)
        let targets: [(String, SubscriptionTarget)] = [
            ("stream", .stream),
            ("agent", .agent(type: "probe", operation: "work", hasEnvelope: true)),
            ("runs", .workflow(name: "flow", workflowID: "", waits: false, hasEnvelope: false)),
        ]
        for (name, target) in targets {
            let definition = SubscriptionDefinition(
                name: name, patterns: Self.wanted, targets: [target], policy: policy)
            send { .event(.subscription(.put(.default, definition, by: .nobody)), $0) }
        }
        settle()
        commit()
        join()
    }

    /// Lives for so many steps, then heals and checks what came of it.
    mutating func live(steps: Int) throws {
        for _ in 0..<steps { try step() }
        isHealing = true
        for _ in 0..<600 {
            try step()
            pass(millis: 100)
            answerAgent()
            settle()
            commit()
            settle()
        }
        checkAtTheEnd()
    }

    private mutating func step() throws {
        switch random.below(isHealing ? 9 : 12) {
        case 0, 1: publish()
        case 2: commit()
        case 3: read()
        case 4: acknowledge()
        case 5: answerAgent()
        case 6: pass(millis: Int64(random.below(300)))
        case 7: if stream == nil { attach() }
        case 8: commit()
        case 9: if random.below(6) == 0 { try crash() }
        case 10: if random.below(4) == 0 { disconnect() }
        default: refuse()
        }
        settle()
    }

    // MARK: The engine

    private mutating func send(_ command: (ReplyTicket) -> Command) {
        calls += 1
        engine.submit(command(ReplyTicket(port: 0, call: calls)))
    }

    private mutating func settle() {
        repeat {
            take(engine.turn(now, random: UInt64(random.below(1 << 30))))
            if sealed == nil, let batch = engine.seal() { sealed = batch }
        } while engine.hasInput
    }

    private mutating func commit() {
        guard let batch = sealed else { return }
        sealed = nil
        store.apply(batch)
        take(engine.batchCommitted(batch.number, at: now))
    }

    private mutating func pass(millis: Int64) {
        now.monotonicNanos += millis * 1_000_000
        now.wallMillis += millis
    }

    /// The process dies; what was on its way to the disk may have come there.
    private mutating func crash() throws {
        if let batch = sealed, random.below(2) == 0 { store.apply(batch) }
        sealed = nil
        toPublish += unanswered.values
        unanswered = [:]
        stream = nil
        readFrom = nil
        out = []
        working = []
        engine = try store.recover()
        now.monotonicNanos += 5_000_000_000
        settle()
        join()
    }

    private mutating func join() {
        let operation = OperationDescriptor(name: "work", summary: "", isIdempotent: true)
        let agent = AgentRegistration(
            id: AgentID("probe/1"), type: "probe", operations: [operation], slots: 2)
        engine.submit(.agentsJoined([agent], PortNumber(rawValue: 0)))
    }

    private mutating func take(_ output: TurnOutput) {
        for reply in output.replies { take(reply) }
        for work in output.eventWork { engine.submit(.eventsPrepared(store.outcome(of: work))) }
        for port in output.ports {
            for assignment in port.dispatches { dispatched(assignment) }
        }
    }

    private mutating func take(_ reply: Reply) {
        if reply.ticket.port == CoordinationEngine.eventPort {
            let call = EventCall(call: reply.ticket.call)
            let delivery = AgentDelivery(reply.answer)
            engine.submit(.event(.subscription(.agentAnswered(call, delivery)), reply.ticket))
        } else if let number = unanswered.removeValue(forKey: reply.ticket.call) {
            published(number, reply.answer)
        } else if reply.ticket.call == stream {
            ordered(reply.answer)
        }
    }

    // MARK: Publishers

    private mutating func publish() {
        if isHealing, toPublish.isEmpty { return }
        let number: Int
        if let again = toPublish.popLast() {
            number = again
        } else {
            nextNumber += 1
            number = nextNumber
        }
        let topic = Self.topics[number % Self.topics.count]
        let item = PublishEvents.Item(
            content: PublicationContent(
                topic: topic, payload: Payload(bytes: Array("\(number)".utf8))),
            requestID: "r\(number)")
        send { .event(.publish(PublishEvents(namespace: .default, items: [item])), $0) }
        unanswered[calls] = number
    }

    private mutating func published(_ number: Int, _ answer: Answer) {
        guard case .event(.outcomes(let outcomes)) = answer,
            case .success(let published)? = outcomes.first
        else { return toPublish.append(number) }
        if let known = answered.updateValue(published.sequence, forKey: number),
            known != published.sequence
        {
            problems.append("\(number) was published as \(known) and \(published.sequence)")
        }
        let stored = store.everStored[published.sequence]
        if stored.map({ $0.content.payload.bytes }) != Array("\(number)".utf8) {
            problems.append("\(number) was answered before it was on disk")
        }
    }

    // MARK: The reader

    private mutating func attach() {
        let name = SubscriptionName(namespace: .default, name: "stream")
        send { .event(.subscription(.attach(name)), $0) }
        stream = calls
    }

    private mutating func ordered(_ answer: Answer) {
        guard case .event(.subscription(.order(let order))) = answer else { return }
        switch order {
        case .hold: readFrom = nil
        case .resume(let flow, let from, _, _):
            self.flow = flow
            readFrom = from
            out = []
        case .acknowledged, .redeliver: break
        }
    }

    /// What a socket loop does: the next page of what is on disk goes to the reader.
    private mutating func read() {
        guard let stream, let from = readFrom else { return }
        let newest = store.everStored.keys.max() ?? 0
        guard from <= newest else { return }
        let page = store.page(
            PublicationRange(
                namespace: "default", patterns: Self.wanted, from: from, through: newest,
                limit: 1 + random.below(5)))
        let sequences = page.publications.map(\.sequence)
        for sequence in sequences {
            if sequence > lastNew {
                missing(between: lastNew, and: sequence, handled, "the stream")
                lastNew = sequence
            }
            handled.insert(sequence)
        }
        out += sequences
        readFrom = page.scannedThrough + 1
        let sent = SentEvents(flow: flow, sequences: sequences, through: page.scannedThrough)
        let name = SubscriptionName(namespace: .default, name: "stream")
        engine.submit(
            .event(.subscription(.sent(name, sent)), ReplyTicket(port: 0, call: stream)))
    }

    private mutating func acknowledge() {
        guard !out.isEmpty else { return }
        let count = 1 + random.below(out.count)
        let sequence = out[count - 1]
        out.removeFirst(count)
        let name = SubscriptionName(namespace: .default, name: "stream")
        send { .event(.subscription(.acknowledge(name, sequence: sequence)), $0) }
    }

    private mutating func refuse() {
        guard !out.isEmpty, random.below(2) == 0 else { return }
        let sequence = out[random.below(out.count)]
        let name = SubscriptionName(namespace: .default, name: "stream")
        let failure = StepFailure(type: "no", message: "", retryable: random.below(4) > 0)
        send {
            .event(.subscription(.refuse(name, sequence: sequence, failure, requestID: "")), $0)
        }
    }

    private mutating func disconnect() {
        guard let stream else { return }
        engine.submit(.abandon(ReplyTicket(port: 0, call: stream)))
        self.stream = nil
        readFrom = nil
        out = []
    }

    // MARK: The agent

    private mutating func dispatched(_ assignment: Assignment) {
        working.append(assignment)
        let envelope = try? JSONDocument(parsing: assignment.payload.bytes).root
        guard let sequence = envelope?["sequence"]?.int64 else {
            return problems.append("the agent was given something else")
        }
        if sequence > lastGiven {
            missing(between: lastGiven, and: sequence, given, "the agent")
            lastGiven = sequence
        }
        given.insert(sequence)
        if store.everStored[sequence] == nil {
            problems.append("the agent was given \(sequence) before it was on disk")
        }
    }

    private mutating func answerAgent() {
        guard !working.isEmpty else { return }
        let assignment = working.removeFirst()
        // Now and then it is silent until its time is over.
        if !isHealing, random.below(12) == 0 { return }
        let fails = random.below(5) == 0
        let outcome: AssignmentOutcome =
            fails
            ? .failure(StepFailure(type: "no", message: "", retryable: true))
            : .success(Payload(bytes: []))
        engine.submit(
            .finished(
                AssignmentResult(
                    token: assignment.token, outcome: outcome, startedNanos: 0, endedNanos: 1)))
    }

    // MARK: What must hold

    /// Nothing that is wanted lies between two that were told one after the other.
    private mutating func missing(
        between last: Int64, and next: Int64, _ told: Set<Int64>, _ who: String
    ) {
        for sequence in max(1, last + 1)..<max(next, last + 1) {
            guard let publication = store.everStored[sequence],
                Self.wanted.match(publication.content.topic), !told.contains(sequence)
            else { continue }
            problems.append("\(who) was told \(next) without \(sequence)")
        }
    }

    private mutating func checkAtTheEnd() {
        let wanted = store.everStored.filter { Self.wanted.match($0.value.content.topic) }
        if answered.count != nextNumber { problems.append("a publication has no answer") }
        if store.everStored.count != nextNumber {
            problems.append("\(nextNumber) published, \(store.everStored.count) stored")
        }
        for sequence in wanted.keys.sorted() {
            if !handled.contains(sequence) { problems.append("the stream missed \(sequence)") }
            if !given.contains(sequence) { problems.append("the agent missed \(sequence)") }
            let runs = store.workflowIDs["event/runs/\(sequence)"]?.count ?? 0
            if runs != 1 { problems.append("\(sequence) started \(runs) runs") }
        }
        for sequence in store.letters(of: "stream").union(store.letters(of: "agent"))
        where wanted[sequence] == nil {
            problems.append("\(sequence) is a dead letter and was not wanted")
        }
    }
}

extension SeededRandom {
    /// A number from 0 to below `bound`.
    fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
