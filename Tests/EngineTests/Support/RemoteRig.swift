import Coordination
import Store

@testable import Engine

/// An engine driven by hand in virtual time, every batch committed at once, with remote instances
/// behind numbered connections.
final class RemoteRig {
    var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 5))
    var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    /// Since the last look, by connection.
    var notices: [Int: [SessionNotice]] = [:]
    var assignments: [Int: [Assignment]] = [:]
    var cancelled: [Int: [AssignmentToken]] = [:]
    var answers: [UInt64: [Answer]] = [:]
    /// What every connection was told.
    var modeChanges: [ModeChange] = []
    var runs: [RunID: RunRow] = [:]
    var plans: [PayloadID: WorkflowPlan] = [:]
    var payloads: [PayloadID: Payload] = [:]
    var entities: [EntityName: EntityRow] = [:]
    /// Whether batches wait for ``commit()``.
    var holdsCommits = false
    private var sealed: StoreBatch?
    private var calls: UInt64 = 0

    func post(_ commands: Command...) {
        engine.submit(contentsOf: commands)
        settle()
    }

    func pass(millis: Int64) {
        now.monotonicNanos += millis * 1_000_000
        now.wallMillis += millis
        settle()
    }

    func settle() {
        repeat {
            take(engine.turn(now, random: 3))
            if !engine.hasInput, let batch = engine.seal() {
                sealed = batch
                if !holdsCommits { commit() }
            }
        } while engine.hasWork(atNanos: now.monotonicNanos)
    }

    /// The batch in flight reaches the disk.
    func commit() {
        guard let batch = sealed else { return }
        sealed = nil
        for row in batch.runs { runs[row.run] = row }
        for row in batch.entities {
            let name = EntityName(kind: row.kind, namespace: row.namespace, key: row.key)
            entities[name] = row.blob == nil ? nil : row
        }
        for row in batch.payloads {
            payloads[row.id] = row.payload
            if row.payload.contentType == StoredDefinition.contentType {
                plans[row.id] = try? WorkflowPlan(DefinitionCodec.decode(row.payload.bytes))
            }
        }
        take(engine.batchCommitted(batch.number, at: now))
    }

    private func take(_ output: TurnOutput) {
        modeChanges += output.modeChanges
        for entry in output.ports {
            let port = entry.port.rawValue
            notices[port, default: []] += entry.notices
            assignments[port, default: []] += entry.dispatches
            cancelled[port, default: []] += entry.cancels
        }
        for reply in output.replies { answers[reply.ticket.call, default: []].append(reply.answer) }
        for preparation in output.preparations {
            var complete = preparation
            for id in preparation.missing { complete.loaded[id] = payloads[id] }
            engine.submit(.prepared(Preparer.render(complete)))
        }
    }

    // MARK: Workers

    /// A worker's first word on a connection; gives what it was told.
    func hello(
        _ port: Int, id: String = "w/1", resume: SessionID? = nil,
        held: [AssignmentToken] = [], credits: Int = 8, isIdempotent: Bool = false,
        type: String = "w", can operations: [String] = ["work"]
    ) -> SessionWelcome? {
        let registration = AgentRegistration(
            id: AgentID(id), type: type,
            operations: operations.map {
                OperationDescriptor(name: $0, summary: "", isIdempotent: isIdempotent)
            }, slots: 65_536, location: "10.0.0.1:9")
        let hello = SessionHello(
            registration: registration, resume: resume, held: held, leaseMillis: 1_000,
            secret: UInt64(port))
        post(.session(.hello(hello, PortNumber(rawValue: port))))
        if credits > 0 { say(port, credits: credits) }
        guard case .welcome(let welcome) = notices[port]?.first else { return nil }
        return welcome
    }

    /// An instance of type `p` in the process itself.
    func joinLocal() {
        let local = AgentRegistration(
            id: AgentID("p/1"), type: "p",
            operations: [OperationDescriptor(name: "work", summary: "", isIdempotent: true)],
            slots: 10)
        post(.agentsJoined([local], PortNumber(rawValue: 7)))
    }

    func say(
        _ port: Int, results: [(AssignmentToken, String)] = [], credits: Int = 0,
        heartbeats: [AssignmentHeartbeat] = []
    ) {
        var news = SessionNews()
        news.results = results.map { token, json in
            AssignmentResult(
                token: token, outcome: .success(Payload(bytes: Array(json.utf8))),
                startedNanos: 0, endedNanos: 1_000)
        }
        news.heartbeats = heartbeats
        news.credits = credits
        post(.session(.heard(news, PortNumber(rawValue: port))))
    }

    /// The worker could not do it, and might another time.
    func fail(_ port: Int, _ tokens: [AssignmentToken]) {
        var news = SessionNews()
        news.results = tokens.map { token in
            AssignmentResult(
                token: token, outcome: EngineBench.trouble, startedNanos: 0, endedNanos: 1_000)
        }
        post(.session(.heard(news, PortNumber(rawValue: port))))
    }

    func drop(_ port: Int) { post(.session(.dropped(PortNumber(rawValue: port)))) }

    /// What the connection was told to do since the last look.
    func taken(_ port: Int) -> [Assignment] {
        defer { assignments[port] = [] }
        return assignments[port] ?? []
    }

    /// Tokens that the connection heard of as stale.
    func stale(_ port: Int) -> [AssignmentToken] {
        notices[port, default: []].compactMap {
            if case .stale(let token) = $0 { token } else { nil }
        }
    }

    func accepted(_ port: Int) -> [AssignmentToken] {
        notices[port, default: []].compactMap {
            if case .accepted(let token) = $0 { token } else { nil }
        }
    }

    // MARK: Callers

    func ticket() -> ReplyTicket {
        calls += 1
        return ReplyTicket(port: 0, call: calls)
    }

    /// Invokes an operation of the remote type; gives the call's number.
    func invoke(
        _ operation: String = "work", instance: String? = nil, startByNanos: Int64? = nil
    ) -> UInt64 {
        let ticket = ticket()
        post(
            .invoke(
                Invoke(
                    namespace: .default, agentType: "w", instance: instance.map { AgentID($0) },
                    operation: operation, payload: Payload(bytes: Array("1".utf8)),
                    deadlineNanos: nil, arrivedNanos: now.monotonicNanos,
                    extras: startByNanos.map { InvokeExtras(startByNanos: $0) }), ticket))
        return ticket.call
    }

    /// Why a call was turned away; `nil`: it was not.
    func reason(_ call: UInt64) -> String? { answers[call]?.first?.rejection?.reason }

    func leave(_ port: Int) { post(.session(.left(PortNumber(rawValue: port)))) }

    /// Starts a run of one remote step, unless others are given; gives its id.
    func start(
        _ steps: [StepDefinition] = [StepDefinition(id: "s", agentType: "w", operation: "work")],
        input: String = "{}"
    ) -> RunID? {
        let definition = WorkflowDefinition(name: "one", version: "1", steps: steps)
        let ticket = ticket()
        post(
            .putDefinition(
                PutDefinition(namespace: .default, definition: definition), self.ticket()))
        post(
            .startRun(
                StartRun(
                    namespace: .default, definition: "one", workflowID: "",
                    input: Payload(bytes: Array(input.utf8)), requestID: "", conflict: .fail),
                ticket))
        guard case .started(let id, _) = answers[ticket.call]?.first else { return nil }
        return id
    }

    /// Where a run stands in memory.
    func state(_ id: RunID) -> RunState? {
        engine.runIndex[id].map { engine.runs[$0].machine.state }
    }

    // MARK: Restart

    /// The process dies, and another one goes on with what is on disk.
    func restart(_ limits: EngineLimits = .defaults) throws {
        engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: engine.epoch.rawValue + 1), limits: limits)
        sealed = nil
        notices = [:]
        assignments = [:]
        for row in entities.values { try engine.restore(row) }
        for row in runs.values.sorted(by: { $0.run < $1.run }) where row.closedMillis == nil {
            engine.restore(try RunReader.state(of: row, plans), at: now)
        }
        settle()
    }
}
