/// Swift source with comments and the contents of strings blanked out, so that laws can look for
/// words of code without being fooled by prose. Every line keeps its number and its width.
struct SwiftText {
    /// The blanked lines; line n of the file is at n - 1.
    let lines: [String]

    /// The blanked text as one string.
    let code: String

    init(_ source: String) {
        var scanner = BlankingScanner(Array(source.utf8))
        scanner.code(untilClosingParenthesis: false)
        code = String(decoding: scanner.output, as: UTF8.self)
        lines = linesOf(code)
    }
}

/// The lines of a text, empty ones included. By bytes: characters would cost seconds here.
func linesOf(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .map { String(Substring($0)) }
}

/// The identifiers and keywords of a line of code, attributes with their `@`.
func words(in line: String) -> [Substring] {
    line.utf8.split { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "@"), 0x80...:
            false
        default: true
        }
    }.map(Substring.init)
}

/// Copies code and blanks the rest; newlines always stay.
private struct BlankingScanner {
    private let input: [UInt8]
    private(set) var output: [UInt8] = []
    private var cursor = 0

    init(_ input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    /// Code up to the end, or up to the parenthesis that ends an interpolation.
    mutating func code(untilClosingParenthesis isInterpolation: Bool) {
        var depth = 0
        while cursor < input.count {
            if isInterpolation && depth == 0 && input[cursor] == UInt8(ascii: ")") { return }
            switch input[cursor] {
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"): lineComment()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): blockComment()
            case UInt8(ascii: "`"): quotedIdentifier()
            case UInt8(ascii: "\""): string(pounds: 0)
            case UInt8(ascii: "#") where poundsBeforeQuote() != nil:
                let pounds = poundsBeforeQuote() ?? 0
                copy(pounds)
                string(pounds: pounds)
            case UInt8(ascii: "("):
                depth += 1
                copy(1)
            case UInt8(ascii: ")"):
                depth -= 1
                copy(1)
            default:
                output.append(input[cursor])
                cursor += 1
            }
        }
    }

    private mutating func lineComment() {
        while cursor < input.count && input[cursor] != UInt8(ascii: "\n") {
            output.append(UInt8(ascii: " "))
            cursor += 1
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if peek(0) == UInt8(ascii: "/") && peek(1) == UInt8(ascii: "*") {
                depth += 1
                blank(2)
            } else if peek(0) == UInt8(ascii: "*") && peek(1) == UInt8(ascii: "/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && cursor < input.count
    }

    private mutating func quotedIdentifier() {
        copy(1)
        while cursor < input.count && input[cursor] != UInt8(ascii: "`") { blank(1) }
        copy(1)
    }

    private mutating func string(pounds: Int) {
        let quotes = peek(1) == UInt8(ascii: "\"") && peek(2) == UInt8(ascii: "\"") ? 3 : 1
        copy(quotes)
        while cursor < input.count {
            if isRun(of: UInt8(ascii: "\""), quotes, at: cursor),
                isRun(of: UInt8(ascii: "#"), pounds, at: cursor + quotes)
            {
                return copy(quotes + pounds)
            }
            if peek(0) == UInt8(ascii: "\\"), isRun(of: UInt8(ascii: "#"), pounds, at: cursor + 1) {
                escape(pounds: pounds)
            } else if quotes == 1 && peek(0) == UInt8(ascii: "\n") {
                return
            } else {
                blank(1)
            }
        }
    }

    private mutating func escape(pounds: Int) {
        blank(1 + pounds)
        guard peek(0) == UInt8(ascii: "(") else { return blank(1) }
        blank(1)
        code(untilClosingParenthesis: true)
        blank(1)
    }

    private func poundsBeforeQuote() -> Int? {
        var pounds = 0
        while peek(pounds) == UInt8(ascii: "#") { pounds += 1 }
        return peek(pounds) == UInt8(ascii: "\"") ? pounds : nil
    }

    private func isRun(of byte: UInt8, _ count: Int, at start: Int) -> Bool {
        guard start + count <= input.count else { return false }
        for place in start..<start + count where input[place] != byte { return false }
        return true
    }

    private func peek(_ distance: Int) -> UInt8 {
        cursor + distance < input.count ? input[cursor + distance] : 0
    }

    private mutating func copy(_ count: Int) {
        let end = min(cursor + count, input.count)
        output += input[cursor..<end]
        cursor = end
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<min(count, input.count - cursor) {
            output.append(input[cursor] == UInt8(ascii: "\n") ? input[cursor] : UInt8(ascii: " "))
            cursor += 1
        }
    }
}
