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

// Look-up works on the index itself: a view for every member passed over would cost a reference
// count each.
extension JSONDocument {
    /// The index of the value of the last member with that name, if the value at `object` is an
    /// object that has it.
    func indexOfMember(named name: String, ofObjectAt object: Int) -> Int? {
        guard nodes[object].kind == .object else { return nil }
        let wanted = name.utf8.span
        var found: Int?
        var key = object + 1
        for _ in 0..<nodes[object].count {
            if isString(nodes[key], equalTo: wanted) { found = key + 1 }
            key = Int(nodes[key + 1].next)
        }
        return found
    }

    /// Whether a string has exactly these bytes, escapes resolved.
    func isString(_ node: JSONNode, equalTo wanted: Span<UInt8>) -> Bool {
        let start = Int(node.start) + 1
        let length = Int(node.end) - 1 - start
        if node.hasEscapes {
            return isEqual(Array(unescapedString(bytes[start..<start + length]).utf8)[...], wanted)
        }
        return length == wanted.count && isEqual(bytes[start..<start + length], wanted)
    }
}

private func isEqual(_ bytes: ArraySlice<UInt8>, _ wanted: Span<UInt8>) -> Bool {
    guard bytes.count == wanted.count else { return false }
    for index in wanted.indices where bytes[bytes.startIndex + index] != wanted[index] {
        return false
    }
    return true
}
