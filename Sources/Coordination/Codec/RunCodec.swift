/// The stored form of a run's changing state. What the store keeps in columns of their own (ids,
/// names, times, status) is not repeated in the blob.
///
/// Version 2 is version 1 with what steps in remote hands have behind the steps. Version 3 adds
/// options behind all that and behind each step that has begun: a tag, then its value, and 0 at the
/// end; it may hold more steps than the plan, the elements of lists. Version 4 knows steps whose
/// condition is being looked at, and runs whose input is. Version 5 has attributes behind the
/// definition's id, and knows children that are repeated. Version 6 has the bytes of the history
/// behind those of the payloads, and knows runs that are continued as new ones.
public enum RunCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 6

    /// What the store's columns say of a run.
    public struct Columns: Sendable {
        /// Which run, where, and under which name of its caller's.
        public var id: RunID
        public var namespace: Namespace
        public var workflowID: String
        public var status: UInt8
        public var startedMillis: Int64
        public var closedMillis: Int64?

        /// Combines the columns.
        public init(
            id: RunID, namespace: Namespace, workflowID: String, status: UInt8,
            startedMillis: Int64, closedMillis: Int64?
        ) {
            self.id = id
            self.namespace = namespace
            self.workflowID = workflowID
            self.status = status
            self.startedMillis = startedMillis
            self.closedMillis = closedMillis
        }
    }

    /// Packs a run.
    public static func encode(_ run: RunState) -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + run.steps.count * 48)
        writer.byte(version)
        writer.payloadID(run.planID)
        writer.attributes(run.extra.isDefault ? [] : run.extra.value.attributes)
        writer.payloadID(run.input)
        writer.optional(run.deadlineMillis) { $0.signed($1) }
        writer.signed(run.lastSequence)
        writer.count(run.payloadBytes)
        writer.count(run.historyBytes)
        writer.optional(run.failure) { $0.failure($1) }
        writer.optional(run.result) { $0.payloadID($1) }
        writer.array(run.steps) { write($1, base: run.startedMillis, &$0) }
        writeHeld(run.steps, &writer)
        RunOptions.write(run.extra, &writer)
        return writer.bytes
    }

    /// The id under which a stored run's definition lies, without reading the rest.
    public static func planID(of blob: [UInt8]) throws(CodecError) -> PayloadID {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        return try reader.payloadID()
    }

    /// The id of a stored run's result, if it has one.
    public static func resultID(
        of blob: [UInt8]
    ) throws(CodecError) -> PayloadID? {
        var reader = ByteReader(blob)
        return try readHead(&reader).result
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(
        _ blob: [UInt8], _ columns: Columns, plan: WorkflowPlan
    ) throws(CodecError) -> RunState {
        var reader = ByteReader(blob)
        let head = try readHead(&reader)
        var run = try begun(head, columns, plan: plan)
        run.steps = try readSteps(head.format, base: columns.startedMillis, of: plan, &reader)
        if head.format >= 2 { try readHeld(&reader, &run.steps) }
        if head.format >= 3 { run.extra = try RunOptions.readRun(&reader) }
        if !head.attributes.isEmpty { run.extra.value.attributes = head.attributes }
        try check(run)
        for step in plan.steps.indices {
            run.steps[step].waitingFor = plan.steps[step].dependencies.count {
                !run.steps[$0].state.hasEnded
            }
        }
        return run
    }

    /// A run with what stands before its steps.
    private static func begun(
        _ head: Head, _ columns: Columns, plan: WorkflowPlan
    ) throws(CodecError) -> RunState {
        guard let status = RunStatus(rawValue: columns.status) else {
            throw CodecError("unknown run status \(columns.status)", at: 0)
        }
        var run = RunState(
            id: columns.id, namespace: columns.namespace, workflowID: columns.workflowID,
            plan: plan, planID: head.plan, input: head.input, inputBytes: head.payloadBytes,
            startedMillis: columns.startedMillis)
        run.status = status
        run.deadlineMillis = head.deadline
        run.closedMillis = columns.closedMillis
        run.lastSequence = head.lastSequence
        run.historyBytes = head.historyBytes
        run.failure = head.failure
        run.result = head.result
        return run
    }

    /// As many as the plan has; since version 3 elements of lists may follow.
    private static func readSteps(
        _ format: UInt8, base: Int64, of plan: WorkflowPlan, _ reader: inout ByteReader
    ) throws(CodecError) -> [StepRecord] {
        let steps = try reader.array { reader throws(CodecError) in
            try readStep(base: base, format, &reader)
        }
        let isComplete =
            format < 3 ? steps.count == plan.steps.count : steps.count >= plan.steps.count
        guard isComplete else {
            throw CodecError(
                "\(steps.count) steps, but the definition has \(plan.steps.count)", at: 0)
        }
        return steps
    }

    /// Elements must belong to a list: damaged bytes must not trap later.
    private static func check(_ run: RunState) throws(CodecError) {
        for step in run.plan.steps.count..<run.steps.count {
            let owner = run.steps[step].extra.value.owner
            guard run.plan.steps.indices.contains(owner), run.plan.steps[owner].item != nil else {
                throw CodecError("step \(step) belongs to no list", at: 0)
            }
        }
    }

    private struct Head {
        var format: UInt8
        var plan: PayloadID
        var attributes: [RunAttribute]
        var input: PayloadID
        var deadline: Int64?
        var lastSequence: Int64
        var payloadBytes: Int
        var historyBytes: Int
        var failure: StepFailure?
        var result: PayloadID?
    }

    private static func readHead(_ reader: inout ByteReader) throws(CodecError) -> Head {
        let format = try reader.version(newest: version)
        let plan = try reader.payloadID()
        let attributes = format >= 5 ? try reader.attributes() : []
        let input = try reader.payloadID()
        let deadline = try reader.optionalSigned()
        let lastSequence = try reader.signed()
        let payloadBytes = try reader.int()
        let historyBytes = format >= 6 ? try reader.int() : 0
        let failure = try reader.optional { reader throws(CodecError) in try reader.failure() }
        let result = try reader.optional { reader throws(CodecError) in try reader.payloadID() }
        return Head(
            format: format, plan: plan, attributes: attributes, input: input, deadline: deadline,
            lastSequence: lastSequence, payloadBytes: payloadBytes, historyBytes: historyBytes,
            failure: failure, result: result)
    }

    private static func write(
        _ step: StepRecord, base: Int64, _ writer: inout ByteWriter
    ) {
        if step.state == .pending {
            // Most steps of most runs: nothing but one byte.
            if step.attempt == 0, step.extra.isDefault {
                return writer.byte(StepState.pending.rawValue)
            }
            writer.byte(pendingWithRest)
        } else {
            writer.byte(step.state.rawValue)
        }
        writer.count(step.attempt)
        writer.count(step.failures)
        writer.count(step.losses)
        writer.optional(step.token) { $0.unsigned($1.serial.rawValue) }
        writer.signed(step.notBeforeMillis - base)
        writer.optional(step.startedMillis) { $0.signed($1 - base) }
        writer.optional(step.endedMillis) { $0.signed($1 - base) }
        writer.optional(step.output) { $0.payloadID($1) }
        writer.optional(step.failure) { $0.failure($1) }
        RunOptions.write(step.extra, base: base, &writer)
    }

    /// A pending step of which more is known: it was begun before its run was tried again, or it
    /// is an element of a list.
    private static let pendingWithRest: UInt8 = 0x80

    private static func readStep(
        base: Int64, _ format: UInt8, _ reader: inout ByteReader
    ) throws(CodecError) -> StepRecord {
        let raw = try reader.byte()
        var step = StepRecord(waitingFor: 0)
        if raw == StepState.pending.rawValue { return step }
        if raw != pendingWithRest || format < 3 {
            guard let state = StepState(rawValue: raw) else {
                throw CodecError("unknown step state \(raw)", at: 0)
            }
            step.state = state
        }
        step.attempt = try reader.int()
        step.failures = try reader.int()
        step.losses = try reader.int()
        step.token = try reader.optional { reader throws(CodecError) in
            AssignmentToken(serial: Serial(rawValue: try reader.unsigned()))
        }
        // Wrapping: damaged bytes must not trap.
        step.notBeforeMillis = base &+ (try reader.signed())
        step.startedMillis = try reader.optional { reader throws(CodecError) in
            base &+ (try reader.signed())
        }
        step.endedMillis = try reader.optional { reader throws(CodecError) in
            base &+ (try reader.signed())
        }
        step.output = try reader.optional { reader throws(CodecError) in try reader.payloadID() }
        step.failure = try reader.optional { reader throws(CodecError) in try reader.failure() }
        if format >= 3 { step.extra = try RunOptions.readStep(base: base, &reader) }
        return step
    }

    /// Since version 2, behind the steps: what only steps in remote hands have, by index.
    private static func writeHeld(_ steps: [StepRecord], _ writer: inout ByteWriter) {
        let held = steps.indices.filter { steps[$0].holder != nil || steps[$0].heartbeat != nil }
        writer.array(held) { writer, index in
            writer.count(index)
            writer.optional(steps[index].holder) { writer, holder in
                writer.string(holder.agent.name)
                writer.count(holder.leaseMillis)
            }
            writer.optional(steps[index].heartbeat) { $0.payload($1) }
        }
    }

    private static func readHeld(
        _ reader: inout ByteReader, _ steps: inout [StepRecord]
    ) throws(CodecError) {
        for _ in 0..<(try reader.count()) {
            let index = try reader.int()
            guard steps.indices.contains(index) else {
                throw CodecError("step \(index) is held, but there is none", at: 0)
            }
            steps[index].holder = try reader.optional { reader throws(CodecError) in
                AssignmentHolder(
                    agent: AgentID(try reader.string()), leaseMillis: max(1, try reader.int()))
            }
            steps[index].heartbeat = try reader.optional { reader throws(CodecError) in
                try reader.payload()
            }
        }
    }
}
