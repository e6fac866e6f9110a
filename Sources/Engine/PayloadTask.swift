import Coordination

/// Work on the bytes of payloads that are at hand: done outside the engine's decisions, as the making
/// of payloads from stored ones is.
public indirect enum PayloadTask: Sendable {
    /// What the rules of a ballot make of an answer.
    case reading(Payload, BallotRules)
    /// Items as one batch.
    case joining([Payload])
    /// The answer to a batch as one result for each of its items.
    case splitting(Payload, count: Int)

    /// What a ballot came to, as the output of a step.
    case report(BallotOutcome)

    /// What came of it.
    public enum Made: Sendable {
        case reading(Result<AnswerReading, StepFailure>)
        case joined(Payload)
        case split(Result<[BatchPayload.ItemResult], StepFailure>)
    }

    /// The bytes that it looks at.
    public var bytes: Int {
        switch self {
        case .reading(let payload, _), .splitting(let payload, _): payload.bytes.count
        case .report(let outcome):
            outcome.answers.reduce(0) { $0 + ($1?.bytes.count ?? 0) }
        case .joining(let items): items.reduce(0) { $0 + $1.bytes.count }
        }
    }

    /// Does it.
    public func make() -> Made {
        switch self {
        case .reading(let payload, let rules): .reading(AnswerReading.read(payload, rules))
        case .joining(let items): .joined(BatchPayload.join(items))
        case .report(let outcome): .joined(outcome.output)
        case .splitting(let answer, let count): .split(BatchPayload.split(answer, count: count))
        }
    }
}
