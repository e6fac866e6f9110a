/// The stored forms of what many records hold. ``ByteReader`` has the counterpart of each.
extension ByteWriter {
    /// The id of a stored payload.
    public mutating func payloadID(_ id: PayloadID) { unsigned(id.serial.rawValue) }

    /// The id of a run.
    public mutating func runID(_ id: RunID) { unsigned(id.serial.rawValue) }

    /// The content type, then the bytes.
    public mutating func payload(_ payload: Payload) {
        string(payload.contentType)
        counted(payload.bytes)
    }

    /// What went wrong with a step.
    public mutating func failure(_ failure: StepFailure) {
        string(failure.type)
        string(failure.message)
        bool(failure.retryable)
        optional(failure.retryAfterMillis) { $0.signed($1) }
    }
}
