/// The stored form of a run's changing state. What the store keeps in columns of their own (ids,
/// names, times, status) is not repeated in the blob.
public enum RunCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 2

    /// What the store's columns say of a run.
    public struct Columns: Sendable {
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
        writer.unsigned(run.planID.serial.rawValue)
        writer.unsigned(run.input.serial.rawValue)
        writer.optional(run.deadlineMillis) { $0.signed($1) }
        writer.signed(run.lastSequence)
        writer.count(run.payloadBytes)
        writer.optional(run.failure) { $0.failure($1) }
        writer.optional(run.result) { $0.unsigned($1.serial.rawValue) }
        writer.array(run.steps) { write($1, base: run.startedMillis, &$0) }
        writeHeld(run.steps, &writer)
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
        _ = try reader.version(newest: version)
        return try readHead(&reader).result
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(
        _ blob: [UInt8], _ columns: Columns, plan: WorkflowPlan
    ) throws(CodecError) -> RunState {
        var reader = ByteReader(blob)
        let format = try reader.version(newest: version)
        let head = try readHead(&reader)
        guard let status = RunStatus(rawValue: columns.status) else {
            throw CodecError("unknown run status \(columns.status)", at: 0)
        }
        var run = RunState(
            id: columns.id, namespace: columns.namespace, workflowID: columns.workflowID,
            plan: plan, planID: head.plan, input: head.input, inputBytes: head.payloadBytes,
            startedMillis: columns.startedMillis)
        run.status = status
        run.closedMillis = columns.closedMillis
        run.lastSequence = head.lastSequence
        run.failure = head.failure
        run.result = head.result
        let base = columns.startedMillis
        let steps = try reader.array { reader throws(CodecError) in
            try readStep(base: base, &reader)
        }
        guard steps.count == plan.steps.count else {
            throw CodecError(
                "\(steps.count) steps, but the definition has \(plan.steps.count)", at: 0)
        }
        run.steps = steps
        if format >= 2 { try readHeld(&reader, &run.steps) }
        for step in steps.indices {
            run.steps[step].waitingFor = plan.steps[step].dependencies.count {
                !steps[$0].state.hasEnded
            }
        }
        return run
    }

    private struct Head {
        var plan: PayloadID
        var input: PayloadID
        var lastSequence: Int64
        var payloadBytes: Int
        var failure: StepFailure?
        var result: PayloadID?
    }

    private static func readHead(_ reader: inout ByteReader) throws(CodecError) -> Head {
        let plan = try reader.payloadID()
        let input = try reader.payloadID()
        // The deadline follows from the start and the definition; stored for other readers.
        _ = try reader.optional { reader throws(CodecError) in try reader.signed() }
        let lastSequence = try reader.signed()
        let payloadBytes = try reader.int()
        let failure = try reader.optional { reader throws(CodecError) in try reader.failure() }
        let result = try reader.optional { reader throws(CodecError) in try reader.payloadID() }
        return Head(
            plan: plan, input: input, lastSequence: lastSequence, payloadBytes: payloadBytes,
            failure: failure, result: result)
    }

    private static func write(
        _ step: StepRecord, base: Int64, _ writer: inout ByteWriter
    ) {
        writer.byte(step.state.rawValue)
        if step.state == .pending { return }
        writer.count(step.attempt)
        writer.count(step.failures)
        writer.count(step.losses)
        writer.optional(step.token) { $0.unsigned($1.serial.rawValue) }
        writer.signed(step.notBeforeMillis - base)
        writer.optional(step.startedMillis) { $0.signed($1 - base) }
        writer.optional(step.endedMillis) { $0.signed($1 - base) }
        writer.optional(step.output) { $0.unsigned($1.serial.rawValue) }
        writer.optional(step.failure) { $0.failure($1) }
    }

    private static func readStep(
        base: Int64, _ reader: inout ByteReader
    ) throws(CodecError) -> StepRecord {
        let raw = try reader.byte()
        guard let state = StepState(rawValue: raw) else {
            throw CodecError("unknown step state \(raw)", at: 0)
        }
        var step = StepRecord(waitingFor: 0)
        step.state = state
        if state == .pending { return step }
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
            writer.optional(steps[index].heartbeat) { writer, details in
                writer.string(details.contentType)
                writer.array(details.bytes) { $0.byte($1) }
            }
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
                let type = try reader.string()
                let bytes = try reader.array { reader throws(CodecError) in try reader.byte() }
                return Payload(
                    bytes: bytes, contentType: type == Payload.json ? Payload.json : type)
            }
        }
    }
}
