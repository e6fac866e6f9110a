// Names of members are the same only when all their bytes are. Swift's strings are equal when they
// look alike, whether a letter and its accent are one scalar or two, so no table here is keyed by
// them.

extension String {
    /// The key of a member of this name, for tables.
    var nameBytes: ArraySlice<UInt8> { Array(utf8)[...] }

    /// Whether both have the same bytes.
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

extension JSONView.Member {
    /// The name's bytes, escapes resolved; part of the text where there are none.
    var nameBytes: ArraySlice<UInt8> {
        nameView.node.hasEscapes ? name.nameBytes : nameView.rawBytes.dropFirst().dropLast()
    }
}
