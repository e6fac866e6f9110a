import Coordination
import Store

@testable import Engine

/// An engine driven by hand in a time of its own; what it commits is on disk at once.
struct EngineBench {
    var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
    var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    var random: UInt64 = 0
    private var calls: UInt64 = 0
    /// By call, in order.
    private(set) var answers: [UInt64: [Answer]] = [:]
    private(set) var dispatches: [Assignment] = []
    private(set) var cancels: [AssignmentToken] = []
    private(set) var orders: [InstanceOrder] = []
    private(set) var notices: [EngineNotice] = []
    private(set) var audits: [AuditRow] = []
    /// Publications that are stored, by namespace and sequence.
    private(set) var publications: [PublicationName: Publication] = [:]
    /// What is stored.
    private var entities: [EntityName: EntityRow] = [:]
    private var requests: [RequestRow] = []
    /// Shared memory: what the window has passed, by namespace and key, and what it has.
    private var settled: [String: [MemoryKey: MemoryRow]] = [:]
    private(set) var memoryLog: [MemoryRow] = []
    private var epoch: UInt32 = 1
    /// Whether publications and dead letters cannot be read.
    var failsEventReads = false

    /// The kinds of what is stored.
    var storedKinds: [UInt8] { entities.keys.map(\.kind) }

    /// Submits a command and drives the engine until it is quiet.
    @discardableResult
    mutating func send(_ command: (ReplyTicket) -> Command) -> UInt64 {
        calls += 1
        engine.submit(command(ReplyTicket(port: 0, call: calls)))
        drive()
        return calls
    }

    /// The last answer to a command.
    mutating func ask(_ command: (ReplyTicket) -> Command) -> Answer? {
        let call = send(command)
        return answers[call]?.last
    }

    /// Commands that nobody waits for.
    mutating func post(_ commands: Command...) {
        engine.submit(contentsOf: commands)
        drive()
    }

    /// Lets time pass, doing what becomes due on the way.
    mutating func pass(millis: Int64) {
        let end = now.monotonicNanos + millis * 1_000_000
        while let next = engine.nextDeadlineNanos, next <= end {
            move(to: max(next, now.monotonicNanos))
            drive()
        }
        move(to: end)
        drive()
    }

    private mutating func move(to nanos: Int64) {
        now.wallMillis += (nanos - now.monotonicNanos) / 1_000_000
        now.monotonicNanos = nanos
    }

    /// Turns and commits until nothing is left to be done now.
    mutating func drive() {
        repeat {
            random &+= 1
            take(engine.turn(now, random: random))
            if let batch = engine.seal() { commit(batch) }
        } while engine.hasWork(atNanos: now.monotonicNanos)
    }

    private mutating func commit(_ batch: StoreBatch) {
        for row in batch.entities {
            let name = EntityName(kind: row.kind, namespace: row.namespace, key: row.key)
            entities[name] = row.blob == nil ? nil : row
        }
        memoryLog += batch.memory
        for settlement in batch.memorySettlements { settle(settlement) }
        audits += batch.audits
        for row in batch.publications {
            let name = PublicationName(
                namespace: row.namespace, sequence: row.publication.sequence)
            publications[name] = row.publication
        }
        for name in batch.removedPublications { publications[name] = nil }
        requests += batch.requests
        take(engine.batchCommitted(batch.number, at: now))
    }

    private mutating func settle(_ settlement: MemorySettlement) {
        for row in settlement.held { settled[settlement.namespace, default: [:]][row.key] = row }
        for key in settlement.gone { settled[settlement.namespace]?[key] = nil }
        memoryLog.removeAll {
            $0.namespace == settlement.namespace && $0.revision < settlement.below
        }
    }

    private mutating func take(_ output: TurnOutput) {
        for reply in output.replies {
            if reply.ticket.port == CoordinationEngine.eventPort {
                let call = EventCall(call: reply.ticket.call)
                let delivery = AgentDelivery(reply.answer)
                engine.submit(.event(.subscription(.agentAnswered(call, delivery)), reply.ticket))
            } else {
                answers[reply.ticket.call, default: []].append(reply.answer)
            }
        }
        for work in output.eventWork { engine.submit(.eventsPrepared(outcome(of: work))) }
        for port in output.ports {
            dispatches += port.dispatches
            cancels += port.cancels
            orders += port.orders
        }
        notices += output.notices
        for preparation in output.preparations {
            engine.submit(.prepared(Preparer.render(preparation)))
        }
    }

    /// The process ends and another one takes up what is stored, `millis` later. Agents and runs do
    /// not come back by themselves.
    mutating func restart(after millis: Int64 = 0) throws {
        epoch += 1
        engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: epoch))
        now.wallMillis += millis
        // Another boot may have another monotonic clock.
        now.monotonicNanos = 5_000_000_000
        for row in entities.values { try engine.restore(row) }
        for row in settled.values.flatMap(\.values) + memoryLog { try engine.restore(row) }
        for row in requests { try engine.restore(row) }
        restorePublications()
        drive()
    }

    /// What the shell would give: from what is stored.
    private func outcome(of work: EventWork) -> EventWork.Outcome {
        if failsEventReads {
            return work.failed(Rejection(.unavailable, reason: "STORE", "it cannot be read"))
        }
        switch work.source {
        case .given(let publications, let through):
            return work.outcome(publications, through: through)
        case .stored(let range):
            let fitting = publications.filter { name, publication in
                name.namespace == range.namespace
                    && (range.from...range.through).contains(publication.sequence)
                    && range.patterns.match(publication.content.topic)
            }.map(\.value).sorted { $0.sequence < $1.sequence }
            let page = Array(fitting.prefix(range.limit))
            let through = page.count < fitting.count ? page.last?.sequence : range.through
            return work.outcome(page, through: through ?? range.through)
        case .letter(let namespace, let key):
            let name = EntityName(
                kind: EntityKind.eventDeadLetter.rawValue, namespace: namespace, key: key)
            let letter = try? SubscriptionCodec.decodeLetter(entities[name]?.blob ?? [])
            return work.outcome(letter)
        }
    }

    /// Dead letters of subscriptions, by key.
    func storedLetters() -> [EventDeadLetter] {
        entities.filter { $0.key.kind == EntityKind.eventDeadLetter.rawValue }
            .sorted { $0.key.key < $1.key.key }
            .compactMap { try? SubscriptionCodec.decodeLetter($0.value.blob ?? []) }
    }

    /// Stores a publication again, as if its removal had not been committed.
    mutating func putBack(sequence: Int64, topic: String) {
        publications[PublicationName(namespace: "default", sequence: sequence)] = Publication(
            PublicationContent(topic: topic, payload: Payload(bytes: Array("{}".utf8))),
            sequence: sequence, topicSequence: sequence, atMillis: now.wallMillis)
    }

    private mutating func restorePublications() {
        for namespace in engine.publishingNamespaces {
            let stored = publications.filter { $0.key.namespace == namespace.name }.map(\.value)
            let marks = stored.sorted { $0.sequence < $1.sequence }.map { publication in
                PublicationMark(
                    topic: publication.content.topic,
                    mark: TopicHistory.Mark(
                        sequence: publication.sequence, atMillis: publication.atMillis,
                        bytes: publication.content.byteCount))
            }
            engine.restore(marks, in: namespace)
        }
    }

    // MARK: Agents

    mutating func join(_ names: String..., type: String, isIdempotent: Bool = true) {
        let operation = OperationDescriptor(name: "work", summary: "", isIdempotent: isIdempotent)
        let agents = names.map {
            AgentRegistration(id: AgentID($0), type: type, operations: [operation], slots: 4)
        }
        post(.agentsJoined(agents, PortNumber(rawValue: 0)))
    }

    /// Calls a type's operation and gives the call's number.
    mutating func invoke(_ type: String, instance: String? = nil, millis: Int64? = nil) -> UInt64 {
        let deadline = millis.map { now.monotonicNanos + $0 * 1_000_000 }
        return send {
            .invoke(
                Invoke(
                    namespace: .default, agentType: type, instance: instance.map(AgentID.init),
                    operation: "work", payload: Payload(bytes: []), deadlineNanos: deadline,
                    arrivedNanos: 0), $0)
        }
    }

    /// The agent that has the newest assignment ends it.
    mutating func finishLast(_ outcome: AssignmentOutcome) {
        guard let last = dispatches.last else { return }
        finish(last, outcome)
    }

    mutating func finish(_ assignment: Assignment, _ outcome: AssignmentOutcome) {
        post(
            .finished(
                AssignmentResult(
                    token: assignment.token, outcome: outcome,
                    startedNanos: now.monotonicNanos - 1_000, endedNanos: now.monotonicNanos)))
    }

    static let trouble = AssignmentOutcome.failure(
        StepFailure(type: "unreachable", message: "no answer", retryable: true))
    static let success = AssignmentOutcome.success(Payload(bytes: []))
}

extension Answer {
    var breaker: BreakerView? {
        if case .breaker(.breaker(let view)) = self { view } else { nil }
    }

    var mode: ModeView? {
        if case .breaker(.mode(let view)) = self { view } else { nil }
    }

    var rejection: Rejection? {
        if case .rejected(let rejection) = self { rejection } else { nil }
    }
}
