import Coordination
import JSON
import Store

@testable import Engine

/// What the callers of ballots and batches know.
struct Crowd {
    /// Chance of its own, so that the rest of a world does not depend on the crowd.
    var random: SeededRandom
    var calls: UInt64 = 0
    /// Volatile ballots of the living engine without an answer, with the end of their time.
    var ballots: [UInt64: Int64] = [:]
    /// Calls for volatile items, by what each must get.
    var items: [UInt64: Int] = [:]
    /// Durable items that were asked for, by name; answered ones with what was told.
    var durable: [String: String?] = [:]
    /// Calls for those.
    var durableCalls: [UInt64: String] = [:]
    /// Decisions that were told, and what was told of them later.
    var decisions: [String] = []
    var reports: [UInt64: String] = [:]
    var abandoned: Set<UInt64> = []
    var told = 0

    init(seed: UInt64) { random = SeededRandom(seed: seed ^ 0xc0_ffee) }

    /// Whether every durable item has got its result.
    var isDone: Bool { durable.values.allSatisfy { $0 != nil } }
}

/// Callers who put questions to ballots, bring items, and look again after every crash.
extension Simulation {
    static let crowdPort = 5
    private static let series = "s"

    /// A workflow whose step is a ballot of both types.
    static let vote: WorkflowDefinition = {
        var step = StepDefinition(id: "vote", agentType: "", operation: "work")
        step.kind = .ballot(BallotSpec(voters: [.init(agentType: "t0"), .init(agentType: "t1")]))
        step.startToCloseMillis = 200
        step.retry = RetryPolicy(maxAttempts: 2, initialMillis: 5)
        return WorkflowDefinition(name: "vote", version: "1", steps: [step])
    }()

    private var batch: BatchDefinition {
        BatchDefinition(
            operation: "items", agentType: "t0", agentOperation: "work",
            maxItems: 1 + Int(seed % 4), maxDelayMillis: 20, maxInFlight: 1 + Int(seed % 3),
            maxWaiting: 6, timeoutMillis: 150,
            onFailure: seed % 2 == 0 ? .fail : .retryItems(attempts: 4, millis: 5))
    }

    func crowdActs() {
        guard var crowd else { return }
        queue.add(.crowdActs, at: after(millis: crowd.random.int(10...150)))
        guard engine != nil else { return }
        crowd.calls += 1
        let ticket = ReplyTicket(port: Self.crowdPort, call: crowd.calls)
        if crowd.calls % 8 == 1 {
            engine?.submit(
                .items(.configure(.default, batch, by: Signature(actor: "crowd")), ticket))
        } else if let name = crowd.durable.filter({ $0.value == nil }).keys.min(),
            isHealed || crowd.random.chance(0.3)
        {
            bring(name, ticket, &crowd)
        } else if !isHealed {
            act(ticket, &crowd)
        }
        self.crowd = crowd
    }

    private func act(_ ticket: ReplyTicket, _ crowd: inout Crowd) {
        switch crowd.random.int(0...6) {
        case 0: decide(ticket, series: "", &crowd)
        case 1: decide(ticket, series: Self.series, &crowd)
        case 2: report(ticket, &crowd)
        case 3:
            let name = "d\(crowd.calls)"
            crowd.durable[name] = .some(nil)
            bring(name, ticket, &crowd)
        case 4:
            engine?.submit(
                .startRun(
                    StartRun(
                        namespace: .default, definition: "vote", workflowID: "",
                        input: Payload(bytes: Array("\"v\(crowd.calls)\"".utf8)),
                        requestID: "v\(crowd.calls)",
                        conflict: .fail),
                    ticket))
        default:
            let item = SubmitItems.Item(payload: Payload(bytes: Array("\(crowd.calls)".utf8)))
            crowd.items[crowd.calls] = Int(crowd.calls)
            engine?.submit(
                .items(
                    .submit(
                        SubmitItems(namespace: .default, operation: "items", items: [item])),
                    ticket))
            leaveEarly(ticket, &crowd)
        }
    }

    private func decide(_ ticket: ReplyTicket, series: String, _ crowd: inout Crowd) {
        let methods: [BallotRules.Method] = [.majority, .weighted, .unanimous]
        let types = ["x": "t0", "y": "t1", "z": "t\(crowd.random.int(0...1))"]
        let voters = types.sorted { $0.key < $1.key }.map {
            BallotSpec.Voter(name: $0.key, agentType: $0.value)
        }
        let rules = BallotRules(
            method: methods[crowd.random.int(0...2)],
            weighsByAccuracy: false, series: series, hearsAll: crowd.random.chance(0.3))
        let closes = after(millis: crowd.random.int(1...200))
        if series.isEmpty { crowd.ballots[crowd.calls] = closes + 1 }
        engine?.submit(
            .ballot(
                .decide(
                    DecideBallot(
                        namespace: .default, operation: "work",
                        payload: Payload(bytes: Array("1".utf8)),
                        spec: BallotSpec(voters: voters, rules: rules), requestID: "",
                        closesNanos: closes, arrivedNanos: now.monotonicNanos)), ticket))
        leaveEarly(ticket, &crowd)
    }

    private func report(_ ticket: ReplyTicket, _ crowd: inout Crowd) {
        guard !crowd.decisions.isEmpty else { return }
        let decision = crowd.decisions[crowd.random.int(0...(crowd.decisions.count - 1))]
        crowd.reports[crowd.calls] = decision
        let outcome: ReportBallotOutcome.Outcome =
            crowd.random.chance(0.5)
            ? .correct(true) : .truth(Payload(bytes: Array(#"{"got":1}"#.utf8)))
        engine?.submit(
            .ballot(
                .report(
                    ReportBallotOutcome(
                        namespace: .default, series: Self.series, decision: decision,
                        outcome: outcome)), ticket))
    }

    /// Brings a durable item, perhaps once more.
    private func bring(_ name: String, _ ticket: ReplyTicket, _ crowd: inout Crowd) {
        crowd.durableCalls[ticket.call] = name
        let item = SubmitItems.Item(
            payload: Payload(bytes: Array("\"\(name)\"".utf8)), requestID: name)
        engine?.submit(
            .items(
                .submitDurable(
                    SubmitItems(namespace: .default, operation: "items", items: [item])), ticket))
    }

    private func leaveEarly(_ ticket: ReplyTicket, _ crowd: inout Crowd) {
        guard crowd.random.chance(0.1) else { return }
        crowd.ballots[ticket.call] = nil
        crowd.items[ticket.call] = nil
        crowd.abandoned.insert(ticket.call)
        engine?.submit(.abandon(ticket))
    }

    /// What an agent of the crowd's batches answers: each item's own value, or that it failed.
    func answerToBatch(_ assignment: Assignment) -> Payload? {
        guard let document = try? JSONDocument(parsing: assignment.payload.bytes),
            let items = document.root["items"], items.kind == .array
        else { return nil }
        let results = items.elements.map { item in
            crowd?.random.chance(faults.agentFailure) == true
                ? #"{"failure":{"type":"flaky","retryable":true}}"# : #"{"value":\#(item.rawText)}"#
        }
        return Payload(bytes: Array(#"{"results":[\#(results.joined(separator: ","))]}"#.utf8))
    }

    // MARK: What the crowd is told

    func receiveCrowd(_ reply: Reply) {
        let call = reply.ticket.call
        switch reply.answer {
        case .ballot(.decided(let outcome)): decided(outcome, call)
        case .ballot(.judged): judged(call)
        case .items(.settled(let outcomes)): settled(outcomes, call)
        case .items(.configured), .started: break
        case .rejected:
            crowd?.ballots[call] = nil
            crowd?.items[call] = nil
        default: problems.append("the crowd was told what nobody asked for")
        }
        crowd?.told += 1
    }

    private func decided(_ outcome: BallotOutcome, _ call: UInt64) {
        if outcome.ballot.rules.series.isEmpty {
            if crowd?.ballots.removeValue(forKey: call) == nil,
                crowd?.abandoned.remove(call) == nil
            {
                problems.append("ballot \(call) was answered twice")
            }
        } else {
            if row(.ballotRecord, outcome.requestID) == nil {
                problems.append("decision \(outcome.requestID) was told and is not on disk")
            }
            crowd?.decisions.append(outcome.requestID)
        }
        if outcome.ballot.outCount > 0 { problems.append("a ballot ended with voters out") }
    }

    private func judged(_ call: UInt64) {
        guard let decision = crowd?.reports.removeValue(forKey: call) else { return }
        let record = row(.ballotRecord, decision).flatMap { try? SeriesCodec.decodeRecord($0) }
        if record?.record.outcome == nil {
            problems.append("the outcome of \(decision) was told and is not on disk")
        }
    }

    private func settled(_ outcomes: [ItemOutcome], _ call: UInt64) {
        guard let outcome = outcomes.first, outcomes.count == 1 else {
            return problems.append("one item has \(outcomes.count) outcomes")
        }
        var text = "failed"
        if case .success(let payload) = outcome.outcome {
            text = String(decoding: payload.bytes, as: UTF8.self)
        }
        if let name = crowd?.durableCalls.removeValue(forKey: call) {
            return settledDurable(name, text)
        }
        let expected = crowd?.items.removeValue(forKey: call)
        if expected == nil, crowd?.abandoned.remove(call) == nil {
            problems.append("item \(call) was answered twice")
        }
        if let expected, text != "failed", text != "\(expected)" {
            problems.append("item \(expected) got the result of \(text)")
        }
    }

    private func settledDurable(_ name: String, _ text: String) {
        if text != "failed", text != "\"\(name)\"" {
            problems.append("item \(name) got the result of \(text)")
        }
        let stored = row(.batchItem, name).flatMap { try? BatchCodec.decodeItem($0) }
        if stored?.outcome == nil {
            problems.append("the result of \(name) was told and is not on disk")
        }
        if let known = crowd?.durable[name] ?? nil, known != text {
            problems.append("\(name) was told as \(known) and then as \(text)")
        }
        crowd?.durable[name] = text
    }

    private func row(_ kind: EntityKind, _ name: String) -> [UInt8]? {
        let key = SeriesCodec.key(kind == .batchItem ? "items" : Self.series, name)
        return store.entities.first { $0.entityKind == kind && $0.key == key }?.blob
    }

    // MARK: Troubles

    /// The process died: what was volatile will not be answered.
    func crowdKilled() {
        crowd?.ballots = [:]
        crowd?.items = [:]
        crowd?.durableCalls = [:]
        crowd?.reports = [:]
    }

    func auditCrowd() {
        // An answer that saw what is being written waits for it, however late it is.
        guard inFlight == nil else { return }
        if crowd?.ballots.values.contains(where: { $0 < now.monotonicNanos }) == true {
            problems.append("a ballot was not answered when its time was over")
        }
    }
}
