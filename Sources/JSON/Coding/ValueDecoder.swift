/// Reads one value; also its own single-value container.
struct ValueDecoder: Decoder, SingleValueDecodingContainer {
    let view: JSONView
    let place: CodingPlace

    var codingPath: [any CodingKey] { place.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws(JSONError) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try KeyedReader<Key>(view, at: place))
    }

    func unkeyedContainer() throws(JSONError) -> any UnkeyedDecodingContainer {
        try UnkeyedReader(view, at: place)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    // MARK: Values of any type

    /// Reads a value by its own initialiser; whatever that throws leaves as a `JSONError` that
    /// names a path.
    func decode<Value: Decodable>(_ type: Value.Type) throws(JSONError) -> Value {
        do {
            return try Value(from: self)
        } catch let error as JSONError {
            throw error
        } catch let error as DecodingError {
            throw JSONError(error, at: place)
        } catch {
            throw place.error(.invalidValue, "\(error)")
        }
    }

    // MARK: Scalars

    func decodeNil() -> Bool { view.isNull }

    func decode(_ type: Bool.Type) throws(JSONError) -> Bool {
        if let value = view.bool { return value }
        throw mismatch("a boolean")
    }

    func decode(_ type: String.Type) throws(JSONError) -> String {
        if let value = view.string { return value }
        throw mismatch("a string")
    }

    func decode(_ type: Double.Type) throws(JSONError) -> Double {
        if let value = view.double { return value }
        throw mismatch("a number in the range of a double")
    }

    func decode(_ type: Float.Type) throws(JSONError) -> Float {
        // From the text, not from the double: rounding twice can miss the nearest float.
        guard let text = view.numberText, let value = Float(text), value.isFinite else {
            throw mismatch("a number in the range of a float")
        }
        return value
    }

    func decode(_ type: Int.Type) throws(JSONError) -> Int { try integer() }
    func decode(_ type: Int8.Type) throws(JSONError) -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws(JSONError) -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws(JSONError) -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws(JSONError) -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws(JSONError) -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws(JSONError) -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws(JSONError) -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws(JSONError) -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws(JSONError) -> UInt64 { try integer() }

    private func integer<Integer: FixedWidthInteger>() throws(JSONError) -> Integer {
        if let value = view.int64.flatMap(Integer.init(exactly:)) { return value }
        if let value = view.uint64.flatMap(Integer.init(exactly:)) { return value }
        guard view.kind == .number else { throw mismatch("an integer") }
        let isInteger = exactInteger(view.rawBytes) != nil
        let range = "an integer from \(Integer.min) to \(Integer.max)"
        throw place.error(
            .invalidValue, "expected \(isInteger ? range : "an integer"), found \(view.shortText)")
    }

    private func mismatch(_ expected: String) -> JSONError {
        let found = view.kind == .number ? view.shortText : view.kind.phrase
        let code: JSONError.Code =
            switch view.kind {
            case .null: .missing
            case .number where expected.hasPrefix("a number"): .invalidValue
            default: .typeMismatch
            }
        return place.error(code, "expected \(expected), found \(found)")
    }
}

extension JSONView {
    /// A number's text, cut short for messages: it comes from outside and may be long.
    fileprivate var shortText: String {
        rawBytes.count <= 40 ? rawText : String(decoding: rawBytes.prefix(40), as: UTF8.self) + "…"
    }

    func require(_ kind: JSONKind, at place: CodingPlace) throws(JSONError) {
        if self.kind == kind { return }
        throw place.error(
            isNull ? .missing : .typeMismatch,
            "expected \(kind.phrase), found \(self.kind.phrase)")
    }
}

extension JSONError {
    /// An error of the standard library or of user code, with its path if it names one.
    init(_ error: DecodingError, at place: CodingPlace) {
        let (code, context, missing): (Code, DecodingError.Context, (any CodingKey)?) =
            switch error {
            case .dataCorrupted(let context): (.invalidValue, context, nil)
            case .typeMismatch(_, let context): (.typeMismatch, context, nil)
            case .valueNotFound(_, let context): (.missing, context, nil)
            case .keyNotFound(let key, let context): (.missing, context, key)
            @unknown default:
                (.invalidValue, .init(codingPath: [], debugDescription: "\(error)"), nil)
            }
        let codingPath = context.codingPath + (missing.map { [$0] } ?? [])
        let path =
            codingPath.isEmpty
            ? place.path : JSONPathExpression(codingPath: codingPath).description
        self.init(code, context.debugDescription, path: path)
    }
}
