extension JSONView {
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
    fileprivate var sortedMembers: [(name: String, value: JSONView)] {
        // A dictionary would not do: Swift's strings compare by canonical equivalence, names of
        // members by their code units.
        let sorted = members.enumerated().map { ($0.offset, $0.element.name, $0.element.value) }
            .sorted { left, right in
                left.1.utf16.elementsEqual(right.1.utf16)
                    ? left.0 < right.0 : left.1.utf16.lexicographicallyPrecedes(right.1.utf16)
            }
        var result: [(name: String, value: JSONView)] = []
        for (_, name, value) in sorted {
            if let last = result.last, last.name.utf16.elementsEqual(name.utf16) {
                result.removeLast()
            }
            result.append((name, value))
        }
        return result
    }

    fileprivate var canonicalNumber: String {
        if let integer = exactInteger(rawBytes) {
            return (integer.isNegative && integer.magnitude != 0 ? "-" : "")
                + String(integer.magnitude)
        }
        return double.flatMap(shortestText) ?? rawText
    }
}

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
