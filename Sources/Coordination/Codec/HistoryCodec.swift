/// The stored form of the history events that one batch added to one run.
public enum HistoryCodec {
    /// The version that this build writes; it reads 1 up to this. Each one knows more kinds; since
    /// the fifth a timeout says why, behind a tag of its own.
    public static let version: UInt8 = 5

    /// Packs events whose sequence numbers follow each other.
    public static func encode(_ events: [HistoryEvent]) -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + events.count * 48)
        writer.byte(version)
        writer.count(events.count)
        guard let first = events.first else { return writer.bytes }
        writer.signed(first.sequence)
        writer.signed(first.atMillis)
        for (index, event) in events.enumerated() {
            precondition(
                event.sequence == first.sequence + Int64(index), "history events have a gap")
            writer.signed(event.atMillis - first.atMillis)
            write(event.kind, &writer)
        }
        return writer.bytes
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(_ blob: [UInt8]) throws(CodecError) -> [HistoryEvent] {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let count = try reader.count()
        if count == 0 { return [] }
        let firstSequence = try reader.signed()
        let firstMillis = try reader.signed()
        var events: [HistoryEvent] = []
        events.reserveCapacity(count)
        for index in 0..<count {
            // Wrapping: damaged bytes must not trap.
            let atMillis = firstMillis &+ (try reader.signed())
            events.append(
                HistoryEvent(
                    sequence: firstSequence &+ Int64(index), atMillis: atMillis,
                    kind: try readKind(&reader)))
        }
        return events
    }

    static func write(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .runStarted(let input):
            writer.byte(1)
            writer.unsigned(input.serial.rawValue)
        case .stepScheduled(let step, let attempt, let notBefore):
            writer.begin(2, step, attempt)
            writer.signed(notBefore)
        case .stepStarted(let step, let attempt, let agent, let token):
            writer.begin(3, step, attempt)
            writer.string(agent.name)
            writer.unsigned(token.serial.rawValue)
        case .stepCompleted(let step, let attempt, let output):
            writer.begin(4, step, attempt)
            writer.unsigned(output.serial.rawValue)
        case .stepFailed(let step, let attempt, let failure, let willRetry):
            writer.begin(5, step, attempt)
            writer.failure(failure)
            writer.bool(willRetry)
        case .stepTimedOut(let step, let attempt, let failure, let willRetry):
            writer.begin(failure == nil ? 6 : 32, step, attempt)
            writer.bool(willRetry)
            if let failure { writer.failure(failure) }
        case .stepSkipped(let step, let reason):
            writer.byte(7)
            writer.string(step)
            writer.string(reason)
        case .stepCancelled(let step, let attempt, let reason):
            writer.begin(8, step, attempt)
            writer.string(reason)
        case .runCompleted(let result):
            writer.byte(9)
            writer.unsigned(result.serial.rawValue)
        case .runFailed(let failure):
            writer.byte(10)
            writer.failure(failure)
        case .runCancelled(let reason):
            writer.byte(11)
            writer.string(reason)
        case .runTimedOut:
            writer.byte(12)
        default: writeLater(kind, &writer)
        }
    }

    private static func readKind(
        _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let tag = try reader.byte()
        switch tag {
        case 1: return .runStarted(input: try reader.payloadID())
        case 2...6, 8, 32: return try readAttempt(tag, &reader)
        case 7: return .stepSkipped(step: try reader.string(), reason: try reader.string())
        case 9: return .runCompleted(result: try reader.payloadID())
        case 10: return .runFailed(failure: try reader.failure())
        case 11: return .runCancelled(reason: try reader.string())
        case 12: return .runTimedOut
        case 13...31: return try readLater(tag, &reader)
        default: throw CodecError("unknown history event \(tag)", at: 0)
        }
    }

    private static func readAttempt(
        _ tag: UInt8, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let step = try reader.string()
        let attempt = try reader.int()
        switch tag {
        case 2:
            return .stepScheduled(step: step, attempt: attempt, notBefore: try reader.signed())
        case 3:
            return .stepStarted(
                step: step, attempt: attempt, agent: AgentID(try reader.string()),
                token: AssignmentToken(serial: Serial(rawValue: try reader.unsigned())))
        case 4:
            return .stepCompleted(step: step, attempt: attempt, output: try reader.payloadID())
        case 5:
            return .stepFailed(
                step: step, attempt: attempt, failure: try reader.failure(),
                willRetry: try reader.bool())
        case 6, 32:
            let willRetry = try reader.bool()
            return .stepTimedOut(
                step: step, attempt: attempt, failure: tag == 32 ? try reader.failure() : nil,
                willRetry: willRetry)
        default:
            return .stepCancelled(step: step, attempt: attempt, reason: try reader.string())
        }
    }
}

extension ByteWriter {
    mutating func begin(_ tag: UInt8, _ step: String, _ attempt: Int) {
        byte(tag)
        string(step)
        count(attempt)
    }

    mutating func failure(_ failure: StepFailure) {
        string(failure.type)
        string(failure.message)
        bool(failure.retryable)
        optional(failure.retryAfterMillis) { $0.signed($1) }
    }
}

extension ByteReader {
    mutating func payloadID() throws(CodecError) -> PayloadID {
        PayloadID(serial: Serial(rawValue: try unsigned()))
    }

    mutating func failure() throws(CodecError) -> StepFailure {
        StepFailure(
            type: try string(), message: try string(), retryable: try bool(),
            retryAfterMillis: try optional { reader throws(CodecError) in try reader.signed() })
    }
}
