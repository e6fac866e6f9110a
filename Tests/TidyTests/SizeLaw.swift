import Testing

/// Files and functions stay small enough to be read in one go.
enum SizeLaw {
    static let maxFileLines = 500
    /// In the house; most take 5 to 15.
    static let maxFunctionLines = 50
    /// In tests and the programs beside them, which tell whole stories.
    static let maxTestFunctionLines = 60

    struct Function: Equatable {
        let name: String
        let line: Int
        let length: Int
    }

    static func violations(of file: SourceFile) -> [String] {
        var violations: [String] = []
        let lineCount = file.lines.count - (file.lines.last == "" ? 1 : 0)
        if lineCount > maxFileLines {
            violations.append("\(file.path): \(lineCount) lines; which noun is hiding?")
        }
        let maxLines = file.path.hasPrefix("Tests/") ? maxTestFunctionLines : maxFunctionLines
        for function in functions(in: file) where function.length > maxLines {
            violations.append(
                "\(file.path):\(function.line): \(function.name) has \(function.length) lines")
        }
        return violations
    }

    /// Functions with a body; a line of code that begins (past modifiers) with `func`, `init`,
    /// `deinit` or `subscript` opens one, and its length counts from there to the closing brace.
    /// Names in backticks are prose and therefore blank; such a function is called `func`.
    static func functions(in file: SourceFile) -> [Function] {
        file.code.lines.indices.compactMap { index in
            guard let name = declaredName(file.code.lines[index]),
                let end = endOfBody(from: index, in: file.code.lines)
            else { return nil }
            return Function(name: name, line: index + 1, length: end - index + 1)
        }
    }

    private static func declaredName(_ line: String) -> String? {
        let words = words(in: line)
        for (place, word) in words.enumerated() {
            switch word {
            case "func": return place + 1 < words.count ? String(words[place + 1]) : "func"
            case "init", "deinit", "subscript": return String(word)
            case _ where word.hasPrefix("@") || modifiers.contains(word): continue
            default: return nil
            }
        }
        return nil
    }

    /// The line of the brace that closes the body, `nil` for a requirement without one.
    private static func endOfBody(from start: Int, in lines: [String]) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<lines.count {
            if index > start && braces == 0 && parentheses == 0,
                declaredName(lines[index]) != nil || lines[index].utf8.contains(UInt8(ascii: "}"))
            {
                return nil
            }
            for character in lines[index].utf8 {
                switch character {
                case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
                case UInt8(ascii: "{") where parentheses == 0 || braces > 0: braces += 1
                case UInt8(ascii: "}") where braces > 0:
                    braces -= 1
                    if braces == 0 { return index }
                default: break
                }
            }
        }
        return nil
    }

    private static let modifiers: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private", "open", "static", "class",
        "final",
        "mutating", "nonmutating", "override", "required", "convenience", "consuming", "borrowing",
        "nonisolated", "isolated", "indirect", "prefix", "postfix", "infix", "sending",
        "distributed",
    ]
}

@Suite struct SizeLawTests {
    @Test func `files have at most 500 lines, functions 50 and those of tests 60`() {
        expectNone(Repository.written.flatMap(SizeLaw.violations))
    }

    @Test func `functions are measured from their first line to their last brace`() {
        let file = SourceFile(
            path: "X.swift",
            text: """
                protocol P {
                    func requirement(a: Int)
                    var x: Int { get }
                }
                struct S {
                    public init(
                        a: Int = [1].map { $0 }.count
                    ) {
                        if a > 0 { print("{") }
                    }
                    @inlinable static func one() -> Int { 1 }
                    func `two words`() {
                        // }
                    }
                }
                """)
        #expect(
            SizeLaw.functions(in: file).map { "\($0.name) \($0.line) \($0.length)" }
                == [
                    "init 6 5", "one 11 1", "func 12 3",
                ])
    }

    @Test func `what is too large is seen`() {
        let long = "func f() {\n" + String(repeating: "    g()\n", count: 49) + "}\n"
        #expect(SizeLaw.violations(of: SourceFile(path: "Sources/X.swift", text: long)).count == 1)
        #expect(SizeLaw.violations(of: SourceFile(path: "Tests/X.swift", text: long)).isEmpty)
        let large = String(repeating: "let x = 1\n", count: 501)
        #expect(SizeLaw.violations(of: SourceFile(path: "X.swift", text: large)).count == 1)
        let exact = String(repeating: "let x = 1\n", count: 500)
        #expect(SizeLaw.violations(of: SourceFile(path: "X.swift", text: exact)).isEmpty)
    }
}
