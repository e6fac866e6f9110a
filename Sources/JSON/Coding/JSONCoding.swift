/// Swift's `Codable` over JSON texts, without Foundation.
///
/// Structs and dictionaries with string keys are objects, in the order their members are
/// encoded; arrays and tuples of keys and values are arrays; `nil` is `null` or left out, as the
/// type decides. Integers are exact in both directions (`1.0` and `1e3` are read as integers
/// too), doubles are written in their shortest form, and infinities and NaN are errors. Nothing
/// is converted: a string is no number. There are no strategies for dates, data or names: types
/// say themselves how they are encoded, and `CodingKeys` name members.
///
/// All functions may be called from any thread.
public enum JSONCoding {
    /// Reads a value from a text.
    ///
    /// - Parameters:
    ///   - type: what to read.
    ///   - bytes: one JSON text, see ``JSONDocument``.
    ///   - limits: what the text may cost.
    /// - Throws: ``JSONError``: of the text itself with its position, or of a value with its path,
    ///   such as `listings[3].open_time: expected an integer, found a string`.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], limits: JSONLimits = .defaults
    ) throws(JSONError) -> Value {
        try decode(type, from: JSONDocument(parsing: bytes, limits: limits).root)
    }

    /// Reads a value from a part of a document, which it can share with other readers.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from view: JSONView
    ) throws(JSONError) -> Value {
        try ValueDecoder(view: view, place: .root).decode(type)
    }

    /// Writes a value as a text.
    ///
    /// - Parameters:
    ///   - value: what to write.
    ///   - layout: compact unless set.
    /// - Throws: ``JSONError`` with code `invalidValue` and the path of what JSON cannot hold.
    public static func encode(
        _ value: some Encodable, layout: JSONWriter.Layout = .compact
    ) throws(JSONError) -> [UInt8] {
        let encoded = try EncodedValue(value, at: .root)
        var writer = JSONWriter(layout: layout)
        writer.write(encoded)
        return writer.finish()
    }
}
