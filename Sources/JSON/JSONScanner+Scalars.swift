extension JSONScanner {
    // MARK: Words and numbers

    /// Reads `true`, `false` or `null`; the first byte was already seen.
    mutating func scanWord(_ word: String, _ text: Span<UInt8>) throws(JSONError) {
        let start = cursor
        for byte in word.utf8 {
            guard cursor < text.count, text[cursor] == byte else {
                cursor = start
                throw failure(text, "expected a value, found a word that is not '\(word)'")
            }
            cursor += 1
        }
    }

    /// RFC 8259 section 6: `-`, an integer without leading zeros, fraction, exponent.
    mutating func scanNumber(_ text: Span<UInt8>) throws(JSONError) {
        if text[cursor] == UInt8(ascii: "-") { cursor += 1 }
        if peek(text) == UInt8(ascii: "0") {
            cursor += 1
            if isDigit(peek(text)) { throw failure(text, "a number must not have leading zeros") }
        } else {
            try scanDigits(text, after: "'-'")
        }
        if peek(text) == UInt8(ascii: ".") {
            cursor += 1
            try scanDigits(text, after: "a decimal point")
        }
        guard peek(text) == UInt8(ascii: "e") || peek(text) == UInt8(ascii: "E") else { return }
        cursor += 1
        if peek(text) == UInt8(ascii: "+") || peek(text) == UInt8(ascii: "-") { cursor += 1 }
        try scanDigits(text, after: "an exponent mark")
    }

    private mutating func scanDigits(
        _ text: Span<UInt8>, after what: String
    ) throws(JSONError) {
        guard isDigit(peek(text)) else { throw failure(text, expected: "a digit after \(what)") }
        while isDigit(peek(text)) { cursor += 1 }
    }

    /// The byte at the cursor, or 0 at the end: NUL is never part of a token.
    private func peek(_ text: Span<UInt8>) -> UInt8 {
        cursor < text.count ? text[cursor] : 0
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    // MARK: Strings

    /// Reads a string from its opening to its closing quote.
    ///
    /// - Returns: whether it contains escapes.
    mutating func scanString(_ text: Span<UInt8>) throws(JSONError) -> Bool {
        var hasEscapes = false
        cursor += 1
        while cursor < text.count {
            let byte = text[cursor]
            if byte == UInt8(ascii: "\"") {
                cursor += 1
                return hasEscapes
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try scanEscape(text)
            } else if byte < 0x20 {
                throw failure(text, "a control character in a string must be escaped")
            } else if byte < 0x80 {
                cursor += 1
            } else {
                try scanMultibyte(text)
            }
        }
        throw failure(text, "the text ends inside a string")
    }

    private mutating func scanEscape(_ text: Span<UInt8>) throws(JSONError) {
        cursor += 1
        switch peek(text) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            cursor += 1
        case UInt8(ascii: "u"):
            cursor += 1
            try scanUnicodeEscape(text)
        default:
            throw failure(text, expected: "one of \" \\ / b f n r t u after a backslash")
        }
    }

    /// RFC 8259 section 7: a character beyond U+FFFF is a pair of escaped surrogates.
    private mutating func scanUnicodeEscape(_ text: Span<UInt8>) throws(JSONError) {
        let start = cursor - 2
        let unit = try scanHexUnit(text)
        if unit & 0xF800 != 0xD800 { return }
        if unit < 0xDC00, peek(text) == UInt8(ascii: "\\") {
            cursor += 1
            if peek(text) == UInt8(ascii: "u") {
                cursor += 1
                if try scanHexUnit(text) & 0xFC00 == 0xDC00 { return }
            }
        }
        cursor = start
        throw failure(text, "an escaped surrogate is not part of a pair", code: .encoding)
    }

    private mutating func scanHexUnit(_ text: Span<UInt8>) throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = hexDigit(peek(text)) else {
                throw failure(text, expected: "four hexadecimal digits after \\u")
            }
            unit = unit << 4 | UInt16(digit)
            cursor += 1
        }
        return unit
    }

    /// One character of two to four bytes by the table of RFC 3629 section 4: no overlong forms,
    /// no surrogates, nothing beyond U+10FFFF.
    private mutating func scanMultibyte(_ text: Span<UInt8>) throws(JSONError) {
        let lead = text[cursor]
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch lead {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (0, 0...0)
            }
        guard length > 0, cursor + length <= text.count, second.contains(text[cursor + 1]),
            length < 3 || text[cursor + 2] & 0xC0 == 0x80,
            length < 4 || text[cursor + 3] & 0xC0 == 0x80
        else {
            throw failure(text, "a string is not valid UTF-8", code: .encoding)
        }
        cursor += length
    }
}

/// The value of a hexadecimal digit in either case.
func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
