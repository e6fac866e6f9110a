extension String {
    /// Whether all bytes are the same.
    ///
    /// `==` holds for texts that look alike too, such as an accented letter in one piece and in two:
    /// names that come from outside are compared by their bytes, as the store does.
    public func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

extension Hasher {
    /// Takes the bytes of a text and their number; what is equal by `hasSameBytes(as:)` is hashed by
    /// this.
    ///
    /// A text's own hash is one for all texts that look alike: whoever sends many of those as names
    /// would make each meet all others in a table.
    public mutating func combine(bytesOf text: String) {
        let bytes = text.utf8Span.span
        var word: UInt64 = 0
        for place in bytes.indices {
            word = word &<< 8 | UInt64(bytes[place])
            if place & 7 == 7 { combine(word) }
        }
        combine(word)
        combine(bytes.count)
    }
}
