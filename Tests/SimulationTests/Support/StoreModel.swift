import Coordination
import Store

@testable import Engine

/// A store as plain values, which checks every batch against what was promised.
struct StoreModel {
    var epoch = Epoch(rawValue: 0)
    var definitions: [String: DefinitionRow] = [:]
    var payloads: [PayloadID: Payload] = [:]
    var runs: [RunID: RunRow] = [:]
    var history: [RunID: [HistoryEvent]] = [:]
    var requests: [String: RequestRow] = [:]
    /// By kind, namespace and key, in the order in which they were first stored.
    var entities: [EntityRow] = []
    var audits: [AuditRow] = []
    var plans: [PayloadID: WorkflowPlan] = [:]

    /// Steps whose result is committed.
    private(set) var completed: [StepOrigin: Int] = [:]
    /// Dispatches that are committed.
    private(set) var started: [AssignmentToken: StepOrigin] = [:]
    /// What holds concurrency keys by what is stored of open runs, and the limit of each.
    private var holders: [RunID: [(key: String, limit: Int)]] = [:]
    /// The run of each slot of a schedule, by its workflow id.
    private(set) var slots: [String: RunID] = [:]
    private var startedInputs: Set<[UInt8]> = []
    private var lastToken: [StepOrigin: AssignmentToken] = [:]
    private(set) var faults: [String] = []

    mutating func apply(_ batch: StoreBatch) {
        if batch.epoch != epoch { faults.append("a batch of an old epoch was applied") }
        for row in batch.payloads {
            if payloads.updateValue(row.payload, forKey: row.id) != nil {
                faults.append("payload \(row.id) was stored twice")
            }
            if row.payload.contentType == StoredDefinition.contentType {
                plans[row.id] = try? WorkflowPlan(DefinitionCodec.decode(row.payload.bytes))
            }
        }
        for row in batch.definitions { definitions[row.name] = row }
        for row in batch.requests { requests[row.requestID] = row }
        for row in batch.entities { apply(row) }
        audits += batch.audits
        if Set(batch.runs.map(\.run)).count != batch.runs.count {
            faults.append("a run is twice in a batch")
        }
        let retried = Set(batch.history.filter(Self.tellsOfRetry).map(\.run))
        for row in batch.runs { apply(row, isRetried: retried.contains(row.run)) }
        for row in batch.history { apply(row) }
        for row in batch.runs { check(row) }
        checkKeys()
    }

    /// Whoever looks at the disk never finds more steps at work with a key than it allows, whenever
    /// the engine was killed.
    private mutating func checkKeys() {
        var held: [String: (count: Int, limit: Int)] = [:]
        for holder in holders.values.joined() {
            let known = held[holder.key] ?? (0, 0)
            held[holder.key] = (known.count + 1, max(known.limit, holder.limit))
        }
        for (key, now) in held where now.count > now.limit {
            faults.append("\(now.count) steps at work with key \(key), limit \(now.limit)")
        }
    }

    private mutating func apply(_ row: EntityRow) {
        let known = entities.firstIndex {
            ($0.kind, $0.namespace, $0.key) == (row.kind, row.namespace, row.key)
        }
        switch (known, row.blob) {
        case (let known?, nil): entities.remove(at: known)
        case (let known?, _?): entities[known] = row
        case (nil, nil): break
        case (nil, _?): entities.append(row)
        }
    }

    private static func tellsOfRetry(_ row: HistoryRow) -> Bool {
        ((try? HistoryCodec.decode(row.blob)) ?? []).contains {
            if case .runRetried = $0.kind { true } else { false }
        }
    }

    private mutating func apply(_ row: RunRow, isRetried: Bool) {
        if let old = runs[row.run], old.closedMillis != nil, !isRetried {
            faults.append("closed run \(row.run) changed")
        }
        if row.workflowID.hasPrefix(Simulation.scheduleName),
            slots.updateValue(row.run, forKey: row.workflowID) ?? row.run != row.run
        {
            faults.append("slot \(row.workflowID) has two runs")
        }
        runs[row.run] = row
    }

    private mutating func apply(_ row: HistoryRow) {
        guard let events = try? HistoryCodec.decode(row.blob), events.count == row.count else {
            faults.append("history of \(row.run) cannot be read")
            return
        }
        for event in events {
            let expected = Int64(history[row.run]?.count ?? 0) + 1
            if event.sequence != expected {
                faults.append("run \(row.run): event \(event.sequence), expected \(expected)")
            }
            history[row.run, default: []].append(event)
            note(event.kind, row.run)
        }
    }

    /// The newest run of a workflow id.
    func newestRun(of workflowID: String) -> RunSummary? {
        let newest = runs.values.filter { $0.workflowID == workflowID }.max { $0.run < $1.run }
        return newest.flatMap { summary($0.run) }
    }

    private mutating func note(_ kind: HistoryEventKind, _ run: RunID) {
        switch kind {
        case .runStarted(let input):
            // Each client puts its own number into its input and starts one run. A step may start
            // several children of one input, one after the other.
            if let bytes = payloads[input]?.bytes, bytes.starts(with: Array("{\"n\":".utf8)),
                summary(run)?.parent == nil,
                !startedInputs.insert(bytes).inserted
            {
                faults.append("one request started two runs")
            }
        case .stepStarted(let step, _, _, let token):
            let origin = StepOrigin(run: run, step: step)
            if let last = lastToken[origin], last >= token { faults.append("a token shrank") }
            if completed[origin] != nil { faults.append("\(origin) ran again after its result") }
            lastToken[origin] = token
            started[token] = origin
        case .stepCompleted(let step, let attempt, let output):
            let origin = StepOrigin(run: run, step: step)
            if completed.updateValue(attempt, forKey: origin) != nil {
                faults.append("\(origin) has two results")
            }
            if output != .none, payloads[output] == nil {
                faults.append("\(origin): its output is not stored")
            }
        default: break
        }
    }

    /// The stored state must read back as itself, and agree with the history.
    private mutating func check(_ row: RunRow) {
        do {
            let state = try RunReader.state(of: row, plans)
            holders[row.run] = state.steps.indices.compactMap { step in
                guard state.steps[step].state == .running,
                    let key = state.work(of: step).definition.concurrency
                else { return nil }
                return (key.key, key.limit)
            }
            if RunCodec.encode(state) != row.blob { faults.append("a run's state reads back") }
            if Int64(history[row.run]?.count ?? 0) != state.lastSequence {
                faults.append("run \(row.run): its last sequence is not its history's")
            }
            if state.status == .completed, state.result.flatMap({ payloads[$0] }) == nil {
                faults.append("run \(row.run) completed without a stored result")
            }
            if state.status.isClosed, state.steps.contains(where: { !$0.state.hasEnded }) {
                faults.append("run \(row.run) closed with an open step")
            }
        } catch {
            faults.append("run \(row.run) cannot be read: \(error)")
        }
    }

    /// Whether the stored state of its run still waits for the result of a dispatch.
    func isRunning(_ token: AssignmentToken) -> Bool {
        guard let origin = started[token], let row = runs[origin.run],
            let state = try? RunReader.state(of: row, plans)
        else { return false }
        return state.steps.contains { $0.state == .running && $0.token == token }
    }

    func summary(_ id: RunID) -> RunSummary? {
        guard let row = runs[id] else { return nil }
        return try? RunReader.state(of: row, plans).summary
    }

    func result(_ id: RunID) -> Payload? {
        guard let row = runs[id], let state = try? RunReader.state(of: row, plans) else {
            return nil
        }
        return state.result.flatMap { payloads[$0] }
    }

    /// A new engine with what is here, as after a restart.
    mutating func recover(
        _ limits: EngineLimits, at time: EngineTime
    ) throws -> CoordinationEngine {
        epoch = Epoch(rawValue: max(epoch.rawValue + 1, UInt32(time.wallMillis / 1_000)))
        var engine = CoordinationEngine(shard: .only, epoch: epoch, limits: limits)
        for row in definitions.values.sorted(by: { $0.name < $1.name }) {
            let (id, definition) = try StoredDefinition.decode(row.blob)
            engine.restore(
                try WorkflowPlan(definition), id: id, namespace: Namespace(row.namespace))
        }
        for row in entities where row.entityKind.isRecovered { try engine.restore(row) }
        for row in runs.values.sorted(by: { $0.run < $1.run }) where row.closedMillis == nil {
            engine.restore(try RunReader.state(of: row, plans), at: time)
        }
        for row in requests.values.sorted(by: { $0.requestID < $1.requestID }) {
            try engine.restore(row)
        }
        return engine
    }
}
