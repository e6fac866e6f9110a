/// One value inside a ``JSONDocument``: a reference to the document and a place in it.
///
/// Copying is one reference count. Accessors answer `nil` when the value is of another kind;
/// they never convert (`"1"` is no number, `1` no boolean).
///
/// Objects keep all members in the order of the text. Where a name stands more than once, look-up
/// takes the last one, as most readers do (RFC 8259 section 4 leaves it open); iteration and
/// `count` show them all.
public struct JSONView: Sendable {
    /// The document this is part of.
    public let document: JSONDocument
    let index: Int

    var node: JSONNode { document.nodes[index] }

    /// What this value is.
    public var kind: JSONKind { node.kind }

    /// Whether this is `null`.
    public var isNull: Bool { kind == .null }

    /// `true` or `false`, if this is a boolean.
    public var bool: Bool? {
        // The first byte tells `true` from `false`: the scanner has checked the rest.
        kind == .bool ? document.bytes[Int(node.start)] == UInt8(ascii: "t") : nil
    }

    /// The characters of a string, escapes resolved.
    public var string: String? {
        let node = self.node
        guard node.kind == .string else { return nil }
        let content = document.bytes[Int(node.start) + 1..<Int(node.end) - 1]
        return node.hasEscapes ? unescapedString(content) : String(decoding: content, as: UTF8.self)
    }

    /// How many elements an array or members an object has; 0 for scalars.
    public var count: Int { node.count }

    /// This value's text as it stands in the document, without the whitespace around it.
    public var rawBytes: ArraySlice<UInt8> {
        document.bytes[Int(node.start)..<Int(node.end)]
    }

    /// ``rawBytes`` as a string.
    public var rawText: String { String(decoding: rawBytes, as: UTF8.self) }

    /// The member of that name, if this is an object that has it.
    ///
    /// Compares names in place; time grows with the number of members.
    public subscript(_ name: String) -> JSONView? {
        document.indexOfMember(named: name, ofObjectAt: index).map {
            JSONView(document: document, index: $0)
        }
    }

    /// The element at that place, from 0, if this is an array that long.
    ///
    /// Steps over the elements before it; use ``elements`` to read them all.
    public subscript(_ position: Int) -> JSONView? {
        guard kind == .array, (0..<count).contains(position) else { return nil }
        var index = self.index + 1
        for _ in 0..<position { index = Int(document.nodes[index].next) }
        return JSONView(document: document, index: index)
    }
}

extension JSONView: CustomStringConvertible {
    /// The value's text.
    public var description: String { rawText }
}
