/// The events of one attempt of a step.
extension HistoryCodec {
    static func writeAttemptEvent(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .stepScheduled(let step, let attempt, let moment),
            .stepWaiting(let step, let attempt, let moment):
            writer.attempt(step, attempt)
            writer.signed(moment)
        case .stepStarted(let step, let attempt, let agent, let token):
            writer.attempt(step, attempt)
            writer.string(agent.name)
            writer.unsigned(token.serial.rawValue)
        case .stepCompleted(let step, let attempt, let output):
            writer.attempt(step, attempt)
            writer.payloadID(output)
        case .stepFailed(let step, let attempt, let failure, let willRetry):
            writer.attempt(step, attempt)
            writer.failure(failure)
            writer.bool(willRetry)
        case .stepTimedOut(let step, let attempt, let failure, let willRetry):
            writer.attempt(step, attempt)
            writer.bool(willRetry)
            if let failure { writer.failure(failure) }
        case .stepCancelled(let step, let attempt, let reason):
            writer.attempt(step, attempt)
            writer.string(reason)
        case .stepParked(let step, let attempt, let failure):
            writer.attempt(step, attempt)
            writer.failure(failure)
        case .stepModeApplied(let step, let attempt, let behavior, let mode):
            writer.attempt(step, attempt)
            writer.byte(behavior.rawValue)
            writer.byte(mode.rawValue)
        default: writePartEvent(kind, &writer)
        }
    }

    /// Attempts that have parts of their own: a child, or the elements of a list.
    private static func writePartEvent(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .childStarted(let step, let attempt, let child):
            writer.attempt(step, attempt)
            writer.runID(child)
        case .childEnded(let step, let attempt, let child, let status):
            writer.attempt(step, attempt)
            writer.runID(child)
            writer.byte(status.rawValue)
        case .listStarted(let step, let attempt, let elements):
            writer.attempt(step, attempt)
            writer.count(elements)
        default: preconditionFailure("\(HistoryTag(kind)) is no event of an attempt")
        }
    }

    static func readAttemptEvent(
        _ tag: HistoryTag, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let step = try reader.string()
        let attempt = try reader.int()
        return switch tag {
        case .stepScheduled:
            .stepScheduled(step: step, attempt: attempt, notBefore: try reader.signed())
        case .stepWaiting: .stepWaiting(step: step, attempt: attempt, until: try reader.signed())
        case .stepStarted:
            .stepStarted(
                step: step, attempt: attempt, agent: AgentID(try reader.string()),
                token: AssignmentToken(serial: Serial(rawValue: try reader.unsigned())))
        case .stepCompleted:
            .stepCompleted(step: step, attempt: attempt, output: try reader.payloadID())
        case .stepFailed:
            .stepFailed(
                step: step, attempt: attempt, failure: try reader.failure(),
                willRetry: try reader.bool())
        case .stepTimedOut:
            .stepTimedOut(
                step: step, attempt: attempt, failure: nil, willRetry: try reader.bool())
        case .stepTimedOutWithFailure: try readTimeout(step, attempt, &reader)
        case .stepCancelled:
            .stepCancelled(step: step, attempt: attempt, reason: try reader.string())
        case .stepParked: .stepParked(step: step, attempt: attempt, failure: try reader.failure())
        case .stepModeApplied:
            .stepModeApplied(
                step: step, attempt: attempt, behavior: try reader.choice("step behavior"),
                mode: try reader.choice("operating mode"))
        case .childStarted:
            .childStarted(step: step, attempt: attempt, child: try reader.runID())
        case .childEnded:
            .childEnded(
                step: step, attempt: attempt, child: try reader.runID(),
                status: try reader.choice("run status"))
        case .listStarted:
            .listStarted(step: step, attempt: attempt, elements: try reader.int())
        default: preconditionFailure("\(tag) is no event of an attempt")
        }
    }
}

extension HistoryCodec {
    /// A timeout that says which time was over: behind whether it is tried again.
    private static func readTimeout(
        _ step: String, _ attempt: Int, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let willRetry = try reader.bool()
        return .stepTimedOut(
            step: step, attempt: attempt, failure: try reader.failure(), willRetry: willRetry)
    }
}

extension ByteWriter {
    /// What every event of an attempt begins with.
    fileprivate mutating func attempt(_ step: String, _ attempt: Int) {
        string(step)
        count(attempt)
    }
}
