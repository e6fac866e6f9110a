import Testing

/// What one room offers to another is documented.
enum DocumentationLaw {
    /// How many public declarations of a room had no `///` when the law came. They may only
    /// become fewer; a room that is not here has none.
    static let undocumented = ["AgentKit": 2, "Services": 4]

    /// Public declarations without a documentation comment.
    static func violations(of file: SourceFile) -> [String] {
        file.code.lines.indices.filter { isPublicDeclaration(file.code.lines[$0]) }
            .filter { !isDocumented($0, in: file) }
            .map { "\(file.path):\($0 + 1): public and not documented" }
    }

    private static func isPublicDeclaration(_ line: String) -> Bool {
        let words = words(in: line).drop { $0.hasPrefix("@") }
        guard words.first == "public" || words.first == "open" else { return false }
        return words.contains { kinds.contains($0) } && !words.contains("import")
            && words.dropFirst().first != "extension" && !isWitness(words) && !isOperator(line)
    }

    /// What every reader knows from the standard library needs no words of its own.
    private static func isWitness(_ words: ArraySlice<Substring>) -> Bool {
        words.contains("description") || words.contains("operator")
            || zip(words, words.dropFirst()).contains { knownWitnesses.contains("\($0) \($1)") }
    }

    private static func isOperator(_ line: String) -> Bool {
        line.contains("static func == (") || line.contains("static func < (")
    }

    /// Looks up over attributes, which stand between a comment and its declaration. A property
    /// right below another one shares its comment: one sentence for a group.
    private static func isDocumented(_ index: Int, in file: SourceFile) -> Bool {
        var above = index - 1
        while above >= 0 {
            let line = file.lines[above].drop { $0 == " " }
            if line.hasPrefix("///") { return true }
            let isGroup = isProperty(file.code.lines[index]) && isProperty(file.code.lines[above])
            if !isGroup && !line.hasPrefix("@") && !line.hasPrefix("//") { return false }
            above -= 1
        }
        return false
    }

    /// Whether a line is a whole property.
    private static func isProperty(_ line: String) -> Bool {
        let words = words(in: line)
        return words.contains { $0 == "let" || $0 == "var" } && !words.contains("func")
    }

    private static let knownWitnesses: Set = ["func hash", "init from", "func encode"]
    private static let kinds: Set<Substring> = [
        "func", "var", "let", "init", "struct", "class", "enum", "protocol", "actor", "typealias",
        "subscript",
    ]
}

@Suite struct DocumentationLawTests {
    @Test(arguments: houseTable.map(\.name))
    func `public declarations say what they promise`(room: String) {
        let violations = Repository.written.filter { $0.room == room }
            .flatMap(DocumentationLaw.violations)
        let allowed = DocumentationLaw.undocumented[room] ?? 0
        if violations.count > allowed {
            expectNone(violations + ["\(room): \(violations.count), allowed are \(allowed)"])
        }
    }

    @Test func `documented and private declarations pass, bare public ones do not`() {
        let file = SourceFile(
            path: "Sources/JSON/X.swift",
            text: """
                /// Documented.
                @inlinable
                public func a() {}
                public func b() {}
                private func c() {}
                public import NIOCore
                public extension Int {
                    /// Documented.
                    public private(set) var d: Int
                    @inlinable public init() {}
                }
                // not a documentation comment
                public let e = "public func f()"
                /// One comment for two.
                public let f = 1
                public let g = 2
                public func hash(into hasher: inout Hasher) {}
                public static func < (a: X, b: X) -> Bool { a.d < b.d }
                """)
        #expect(
            DocumentationLaw.violations(of: file) == [
                "Sources/JSON/X.swift:4: public and not documented",
                "Sources/JSON/X.swift:10: public and not documented",
                "Sources/JSON/X.swift:13: public and not documented",
            ])
    }
}
