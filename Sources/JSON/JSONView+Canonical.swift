extension JSONView {
    /// What making ``canonicalBytes`` takes, in the time that a look at a value takes: four bytes are
    /// copied in it, and each value inside takes four times as long.
    var canonicalWork: Int { 1 + rawBytes.count / 4 + 4 * (Int(node.next) - index - 1) }

    /// One text for all texts that mean the same: what hashes and comparisons work on.
    ///
    /// RFC 8785 (JSON Canonicalization Scheme): no whitespace, members sorted by the UTF-16 code
    /// units of their names, minimal escapes, numbers as ECMAScript writes their double. Two
    /// deviations, so that nothing is lost: integers of up to 64 bits keep all their digits (the
    /// RFC rounds above 2^53), and numbers beyond a double's range keep their text. Of repeated
    /// names the last member counts (the RFC does not accept them).
    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter(reservedBytes: rawBytes.count)
        writer.canonical(self)
        return writer.finish()
    }

    /// The same value laid out anew: compact, or indented for people. Numbers keep their text.
    public func formatted(_ layout: JSONWriter.Layout) -> [UInt8] {
        var writer = JSONWriter(layout: layout, reservedBytes: rawBytes.count)
        writer.copy(self)
        return writer.finish()
    }

    /// The members that count, one for each name, sorted as RFC 8785 section 3.2.3 says.
    fileprivate var sortedMembers: [Member] {
        let members = Array(members)
        let names = members.enumerated().map { (place: $0.offset, bytes: $0.element.nameBytes) }
        let sorted = names.sorted { one, other in
            precedesInUTF16(one.bytes, other.bytes) ?? (one.place < other.place)
        }
        return sorted.indices.filter { index in
            index + 1 == sorted.count || sorted[index].bytes != sorted[index + 1].bytes
        }.map { members[sorted[$0].place] }
    }

    fileprivate var canonicalNumber: String {
        if let integer = exactInteger(rawBytes) {
            return (integer.isNegative && integer.magnitude != 0 ? "-" : "")
                + String(integer.magnitude)
        }
        return double.flatMap(shortestText) ?? rawText
    }
}

/// Whether a text in UTF-8 comes before another one by the UTF-16 code units of both; `nil`: they are
/// the same.
///
/// That is the order of the bytes, but for scalars beyond U+FFFF: their surrogates come before
/// U+E000. A first difference in such a scalar is in its first byte, or between two of them.
private func precedesInUTF16(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool? {
    for place in 0..<min(one.count, other.count) {
        let (left, right) = (one[one.startIndex + place], other[other.startIndex + place])
        if left != right { return utf16Rank(left) < utf16Rank(right) }
    }
    return one.count == other.count ? nil : one.count < other.count
}

/// Puts the first bytes of U+E000 to U+FFFF behind those of all others.
private func utf16Rank(_ byte: UInt8) -> UInt8 { byte == 0xEE || byte == 0xEF ? byte | 0x10 : byte }

extension JSONWriter {
    /// Recursion is bounded by the depth limit the document was checked with.
    fileprivate mutating func canonical(_ view: JSONView) {
        switch view.kind {
        case .object:
            beginObject()
            for member in view.sortedMembers {
                key(member.name)
                canonical(member.value)
            }
            endObject()
        case .array:
            beginArray()
            for element in view.elements { canonical(element) }
            endArray()
        case .string: string(view.string ?? "")
        case .number: number(text: view.canonicalNumber)
        case .bool, .null: value(view)
        }
    }

    fileprivate mutating func copy(_ view: JSONView) {
        switch view.kind {
        case .object:
            beginObject()
            for member in view.members {
                key(member.name)
                copy(member.value)
            }
            endObject()
        case .array:
            beginArray()
            for element in view.elements { copy(element) }
            endArray()
        case .string, .number, .bool, .null: value(view)
        }
    }
}
