import Coordination
import Store

/// Definitions, and lists of what there is.
extension CoordinationEngine {
    mutating func putDefinition(_ put: PutDefinition, _ ticket: ReplyTicket) {
        if isDraining { return reject(ticket, .draining) }
        let plan: WorkflowPlan
        switch put.plan {
        case .failure(let faults): return reject(ticket, .badDefinition(faults.faults))
        case .success(let valid): plan = valid
        }
        let definition = plan.definition
        let name = ScopedName(namespace: put.namespace, name: definition.name)
        if definitions[name]?.plan.definition == definition {
            return answer(ticket, .definitionPut(changed: false), seen: definitionsChangedIn)
        }
        if let refusal = refusal(of: definition, name, replace: put.replace) {
            return reject(ticket, refusal, seen: definitionsChangedIn)
        }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        let bytes = DefinitionCodec.encode(definition)
        if bytes.count > limits.maxDefinitionBytes {
            return reject(ticket, .badDefinition([tooLarge(bytes.count)]))
        }
        if versionMarks[name]?.contradict(definition.version, bytes) == true {
            return reject(
                ticket, .sameVersion(definition.name, definition.version),
                seen: definitionsChangedIn)
        }
        noteReplaced(name)
        store(plan, name, bytes)
        answer(ticket, .definitionPut(changed: true), seen: filling)
    }

    /// What the definitions that there are have against a new one.
    private mutating func refusal(
        of definition: WorkflowDefinition, _ name: ScopedName, replace: Bool
    ) -> Rejection? {
        guard let current = definitions[name]?.plan.definition else {
            return definitions.count < limits.maxDefinitions
                ? nil : .tooManyDefinitions(limits.maxDefinitions)
        }
        if current.version == definition.version {
            return .sameVersion(definition.name, definition.version)
        }
        return replace ? nil : .definitionExists(definition.name, current.version)
    }

    private mutating func tooLarge(_ bytes: Int) -> FieldFault {
        FieldFault(
            field: "definition",
            description: "takes \(bytes) bytes; at most \(limits.maxDefinitionBytes): split "
                + "it into workflows that run each other")
    }

    /// What a version said is known also when it is the current one no more.
    private mutating func noteReplaced(_ name: ScopedName) {
        guard let old = definitions[name]?.plan.definition else { return }
        versionMarks[name, default: VersionMarks()].note(
            old.version, DefinitionCodec.encode(old))
        put(
            EntityRow(
                kind: .versionMarks, namespace: name.namespace.name, key: name.name,
                blob: versionMarks[name]?.encoded))
    }

    mutating func restoreVersionMarks(_ row: EntityRow) throws(CodecError) {
        guard let blob = row.blob else { return }
        let name = ScopedName(namespace: Namespace(row.namespace), name: row.key)
        versionMarks[name] = try VersionMarks(blob)
    }

    /// The bytes of each version are stored once, as a payload that belongs to no run; the row of
    /// the definition and the rows of its runs name it.
    private mutating func store(_ plan: WorkflowPlan, _ name: ScopedName, _ bytes: [UInt8]) {
        let keeper = RunID(serial: Serial(rawValue: 0))
        let id = newPayload(
            Payload(bytes: bytes, contentType: StoredDefinition.contentType), run: keeper)
        draft.definitions.append(
            DefinitionRow(
                namespace: name.namespace.name, name: name.name,
                version: plan.definition.version, updatedMillis: now.wallMillis,
                blob: StoredDefinition.encode(id, definition: bytes)))
        definitions[name] = DefinitionEntry(plan: plan, planID: id)
        router.setTriggers(of: name.name, plan.definition.triggers, in: name.namespace)
        definitionsChangedIn = filling
    }

    mutating func definitionNames(in namespace: Namespace) -> [String] {
        definitions.keys.filter { $0.namespace == namespace }.map(\.name).sorted()
    }

    mutating func listDefinitions(_ namespace: Namespace, _ ticket: ReplyTicket) {
        let found = definitions.filter { $0.key.namespace == namespace }
            .map(\.value.plan.definition).sorted { $0.name < $1.name }
        answer(ticket, .definitions(found), seen: definitionsChangedIn)
    }

    mutating func listAgents(_ ticket: ReplyTicket) {
        var summaries = pool.livingAgents.map { summary($0) }
        summaries.sort { $0.registration.id.name < $1.registration.id.name }
        answer(ticket, .listed(summaries, pools: poolSummaries), seen: isolationChangedIn)
    }

    mutating func summary(_ agent: Int32) -> AgentSummary {
        var registration = pool.registration(of: agent)
        registration.slots = pool.slots(of: agent)
        let inFlight = pool.inFlight(of: agent)
        let totals = pool.totals(of: agent)
        return AgentSummary(
            registration: registration,
            state: inFlight == 0 ? .idle : inFlight < registration.slots ? .busy : .full,
            inFlight: inFlight, completed: totals.completed, failed: totals.failed,
            busyNanos: totals.busyNanos, isolation: isolator.isolation(of: agent) ?? Isolation(),
            holds: pool.holds(of: agent),
            session: sessionView(agent))
    }

    private mutating func sessionView(_ agent: Int32) -> SessionView? {
        let session = pool.session(of: agent)
        if session < 0 { return nil }
        let cell = sessions[session]
        let left = cell.machine.expiresAtNanos - now.monotonicNanos
        return SessionView(
            isConnected: cell.machine.isConnected, credits: cell.machine.credits,
            leaseMillis: cell.leaseMillis, leaseLeftMillis: max(0, left) / 1_000_000)
    }

    /// The engine's gauges.
    public var snapshot: EngineSnapshot {
        var snapshot = EngineSnapshot()
        snapshot.openRuns = openRuns
        snapshot.definitions = definitions.count
        snapshot.agents = pool.agentCount
        snapshot.sessions = sessions.count
        snapshot.openInvokes = openInvokes
        snapshot.waitingWork = pool.waitingCount
        snapshot.backlog = backlog.count
        snapshot.batchCommands = draft.commands
        snapshot.committedBatch = committed.rawValue
        snapshot.isBatchInFlight = inFlight != nil
        snapshot.isDiskFull = isDiskFull || isLowOnSpace
        snapshot.isDraining = isDraining
        snapshot.localSteps = isDraining ? localStepCount : 0
        snapshot.mailboxLength = mailboxLength
        snapshot.requestIDs = requests.count
        snapshot.requestIDsForgottenEarly = requests.forgottenEarly
        return snapshot
    }
}

/// The blob of a definition's row: format version, the id of its bytes as a payload, its bytes.
enum StoredDefinition {
    static let contentType = "application/vnd.cadre.definition"
    static let version: UInt8 = 1

    static func encode(_ id: PayloadID, definition: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: definition.count + 12)
        writer.byte(version)
        writer.payloadID(id)
        return writer.bytes + definition
    }

    static func decode(
        _ blob: [UInt8]
    ) throws(CodecError) -> (id: PayloadID, definition: WorkflowDefinition) {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let id = try reader.payloadID()
        let rest = Array(blob[(blob.count - reader.remaining)...])
        return (id, try DefinitionCodec.decode(rest))
    }
}
