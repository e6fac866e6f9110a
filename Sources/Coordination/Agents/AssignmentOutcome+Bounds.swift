extension AssignmentOutcome {
    /// The largest output of one assignment, bytes.
    public static let maxOutputBytes = 2 << 20

    /// The outcome as it may travel: an output that is too large is a failure that says so, and a
    /// failure's texts are cut to what is kept.
    public var bounded: AssignmentOutcome {
        switch self {
        case .success(let payload):
            let bytes = payload.bytes.count
            if bytes > Self.maxOutputBytes { return .failure(.outputTooLarge(bytes)) }
            return payload.hasFittingType ? self : .failure(.contentTypeTooLong)
        case .failure(let failure): return .failure(failure.bounded)
        }
    }
}

extension Payload {
    /// The longest content type that travels with what an agent says, bytes.
    public static let maxContentTypeBytes = 256

    /// Whether the content type is short enough.
    public var hasFittingType: Bool { contentType.utf8.count <= Self.maxContentTypeBytes }
}

extension StepFailure {
    fileprivate static func outputTooLarge(_ bytes: Int) -> StepFailure {
        StepFailure(
            type: "output_too_large",
            message: "the result has \(bytes) bytes; at most 2 MiB are allowed: return a reference "
                + "instead", retryable: false)
    }

    fileprivate static let contentTypeTooLong = StepFailure(
        type: "output_too_large",
        message: "the content type of the result is over \(Payload.maxContentTypeBytes) bytes",
        retryable: false)
}
