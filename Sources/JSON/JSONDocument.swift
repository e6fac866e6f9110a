/// A JSON text that was checked once and is indexed by offsets, so that reading it needs no
/// further error handling.
///
/// Accepts exactly RFC 8259: valid UTF-8 without a byte order mark, one value, nothing after it;
/// escapes of unpaired surrogates are refused, since they name no character. Numbers keep their
/// text. The index is one flat array of 16 bytes a value (keys count as values); no value has an
/// allocation of its own. Immutable, so any thread may read it.
public final class JSONDocument: Sendable {
    /// The text as given.
    public let bytes: [UInt8]
    let nodes: [JSONNode]

    /// Checks and indexes a text.
    ///
    /// - Throws: ``JSONError`` with `syntax`, `encoding`, `tooDeep` or `tooLarge`, saying where.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .defaults) throws(JSONError) {
        self.nodes = try JSONScanner.scan(bytes.span, limits: limits)
        self.bytes = bytes
    }

    /// Checks and indexes the UTF-8 form of a string.
    public convenience init(
        parsing text: String, limits: JSONLimits = .defaults
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }

    /// The outermost value.
    public var root: JSONView { JSONView(document: self, index: 0) }
}
