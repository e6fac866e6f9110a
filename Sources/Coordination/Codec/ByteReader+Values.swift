/// Reads what the functions of the same names wrote.
extension ByteReader {
    /// The id of a stored payload.
    public mutating func payloadID() throws(CodecError) -> PayloadID {
        PayloadID(serial: Serial(rawValue: try unsigned()))
    }

    /// The id of a run.
    public mutating func runID() throws(CodecError) -> RunID {
        RunID(serial: Serial(rawValue: try unsigned()))
    }

    /// A content type, then the bytes.
    public mutating func payload() throws(CodecError) -> Payload {
        let type = try string()
        // Nearly all are JSON: those share one string.
        return Payload(
            bytes: try counted(), contentType: type == Payload.json ? Payload.json : type)
    }

    /// What went wrong with a step.
    public mutating func failure() throws(CodecError) -> StepFailure {
        StepFailure(
            type: try string(), message: try string(), retryable: try bool(),
            retryAfterMillis: try optionalSigned())
    }

    /// One byte that stands for a choice.
    ///
    /// - Parameter what: what is chosen, for the error.
    mutating func choice<Value: RawRepresentable>(
        _ what: String
    ) throws(CodecError) -> Value where Value.RawValue == UInt8 {
        let raw = try byte()
        guard let value = Value(rawValue: raw) else {
            throw CodecError("unknown \(what) \(raw)", at: 0)
        }
        return value
    }

    // MARK: Optionals and lists of plain values

    mutating func optionalSigned() throws(CodecError) -> Int64? { try bool() ? try signed() : nil }

    mutating func optionalInt() throws(CodecError) -> Int? { try bool() ? try int() : nil }

    mutating func optionalDouble() throws(CodecError) -> Double? {
        try bool() ? try double() : nil
    }

    mutating func optionalString() throws(CodecError) -> String? {
        try bool() ? try string() : nil
    }

    mutating func strings() throws(CodecError) -> [String] {
        try array { reader throws(CodecError) in try reader.string() }
    }
}
