/// What version 2 of the definition format adds to a step: options at other than their defaults.
/// Tags are stored: never renumber.
enum StepOptions {
    static func write(_ step: StepDefinition, _ writer: inout ByteWriter) {
        write(step.kind, &writer)
        if let when = step.when {
            writer.byte(6)
            writer.string(when)
        }
        if let schema = step.outputSchema {
            writer.byte(7)
            writer.string(schema)
        }
        writer.option(8, step.scheduleToStartMillis, unless: nil) { $0.signed($1 ?? 0) }
        writer.option(9, step.scheduleToCloseMillis, unless: nil) { $0.signed($1 ?? 0) }
        writer.option(10, step.heartbeatMillis, unless: nil) { $0.signed($1 ?? 0) }
        writer.option(11, step.onExhausted, unless: .fail) { $0.byte($1.rawValue) }
        if let fallback = step.fallback { write(12, fallback, &writer) }
        if let compensation = step.compensation { write(13, compensation, &writer) }
        writer.option(14, step.priority, unless: 3) { $0.count($1) }
        if let concurrency = step.concurrency {
            writer.byte(15)
            writer.string(concurrency.key)
            writer.count(concurrency.limit)
        }
        if let rate = step.rate {
            writer.byte(16)
            writer.string(rate.key)
            writer.count(rate.limit)
            writer.signed(rate.perMillis)
        }
        writer.option(17, step.modes, unless: .run) { writer, modes in
            for (_, behavior) in modes.all { writer.byte(behavior.rawValue) }
        }
        writer.byte(0)
    }

    static func read(
        _ step: inout StepDefinition, _ reader: inout ByteReader
    ) throws(CodecError) {
        while true {
            let tag = try reader.byte()
            switch tag {
            case 0: return
            case 1...5, 19, 20: step.kind = try readKind(tag, &reader)
            case 6: step.when = try reader.string()
            case 7: step.outputSchema = try reader.string()
            case 8: step.scheduleToStartMillis = try reader.signed()
            case 9: step.scheduleToCloseMillis = try reader.signed()
            case 10: step.heartbeatMillis = try reader.signed()
            case 11: step.onExhausted = try reader.choice("exhaustion policy")
            case 12: step.fallback = try readWork(&reader)
            case 13: step.compensation = try readWork(&reader)
            case 14: step.priority = try reader.int()
            case 15:
                step.concurrency = ConcurrencyKey(
                    key: try reader.string(), limit: try reader.int())
            case 16:
                step.rate = RateKey(
                    key: try reader.string(), limit: try reader.int(),
                    perMillis: try reader.signed())
            case 18:
                let loop = ChildLoop(until: try reader.string(), times: try reader.int())
                guard case .child(var spec) = step.kind else {
                    throw CodecError("a step that is no child repeats", at: 0)
                }
                spec.loop = loop
                step.kind = .child(spec)
            case 17:
                step.modes = ModeBehavior(
                    normal: try reader.choice("step behavior"),
                    degraded: try reader.choice("step behavior"),
                    emergency: try reader.choice("step behavior"))
            default: throw CodecError("unknown step option \(tag)", at: 0)
            }
        }
    }

    // MARK: Kinds

    private static func write(_ kind: StepKind, _ writer: inout ByteWriter) {
        switch kind {
        case .invoke: break
        case .wait(let spec):
            writer.byte(1)
            writer.string(spec.signal)
            writer.string(spec.eventType)
            writer.signed(spec.millis)
        case .approval(let spec):
            writer.byte(2)
            writer.array(spec.assignees) { $0.string($1) }
            writer.string(spec.prompt)
            writer.signed(spec.millis)
            writer.optional(spec.defaultDecision) { $0.byte($1.rawValue) }
            writer.string(spec.formSchema)
        case .publish(let eventType):
            writer.byte(3)
            writer.string(eventType)
        case .child(let spec):
            writer.byte(4)
            writer.string(spec.workflow)
            writer.byte(spec.onParentClose.rawValue)
            if let loop = spec.loop {
                writer.byte(18)
                writer.string(loop.until)
                writer.count(loop.times)
            }
        case .fanOut(let spec):
            writer.byte(5)
            writer.count(spec.width)
            writer.count(spec.concurrency)
        case .continueAsNew(let spec):
            writer.byte(19)
            writer.string(spec.workflow)
            writer.byte(spec.version.rawValue)
        case .ballot(let spec):
            writer.byte(20)
            BallotCodec.write(spec, &writer)
        }
    }

    private static func readKind(
        _ tag: UInt8, _ reader: inout ByteReader
    ) throws(CodecError) -> StepKind {
        switch tag {
        case 1:
            return .wait(
                WaitSpec(
                    signal: try reader.string(), eventType: try reader.string(),
                    millis: try reader.signed()))
        case 2: return .approval(try readApproval(&reader))
        case 3: return .publish(eventType: try reader.string())
        case 4:
            return .child(
                ChildSpec(
                    workflow: try reader.string(),
                    onParentClose: try reader.choice("parent close policy")))
        case 19:
            return .continueAsNew(
                ContinueSpec(
                    workflow: try reader.string(), version: try reader.choice("version policy")))
        case 20: return .ballot(try BallotCodec.read(&reader))
        default:
            return .fanOut(FanOutSpec(width: try reader.int(), concurrency: try reader.int()))
        }
    }

    private static func readApproval(
        _ reader: inout ByteReader
    ) throws(CodecError) -> ApprovalSpec {
        ApprovalSpec(
            assignees: try reader.strings(), prompt: try reader.string(),
            millis: try reader.signed(),
            defaultDecision: try reader.optional { reader throws(CodecError) in
                try reader.choice("decision")
            }, formSchema: try reader.string())
    }

    // MARK: Stand-ins

    private static func write(_ tag: UInt8, _ work: StepWork, _ writer: inout ByteWriter) {
        writer.byte(tag)
        writer.string(work.agentType)
        writer.string(work.operation)
        writer.optional(work.inputTemplate) { $0.string($1) }
        writer.signed(work.startToCloseMillis)
        DefinitionCodec.write(work.retry, &writer)
    }

    private static func readWork(_ reader: inout ByteReader) throws(CodecError) -> StepWork {
        StepWork(
            agentType: try reader.string(), operation: try reader.string(),
            inputTemplate: try reader.optionalString(), startToCloseMillis: try reader.signed(),
            retry: try DefinitionCodec.readRetry(&reader))
    }
}

extension ByteWriter {
    /// A tag and its value, unless that is the default.
    mutating func option<Value: Equatable>(
        _ tag: UInt8, _ value: Value, unless usual: Value,
        _ write: (inout ByteWriter, Value) -> Void
    ) {
        if value == usual { return }
        byte(tag)
        write(&self, value)
    }
}
