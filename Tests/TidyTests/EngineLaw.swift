import Testing

/// Swift hands a struct to a function that is not `mutating` as a copy on the stack. The engine is
/// 7 KB: a function that only reads it would copy all of that at every call.
enum EngineLaw {
    private static let owner = "CoordinationEngine"

    static func violations(of file: SourceFile) -> [String] {
        var isInside = false
        return file.lines.enumerated().compactMap { index, line in
            if !line.hasPrefix(" "), !line.isEmpty { isInside = opens(line) }
            guard isInside, isFunction(line), !line.contains("mutating "), !line.contains("static ")
            else { return nil }
            return "\(file.path):\(index + 1) copies the engine: make it mutating"
        }
    }

    private static func opens(_ line: String) -> Bool {
        line.hasPrefix("extension \(owner) ") || line.contains("struct \(owner):")
    }

    /// Whether a line begins a function of the type itself, not one within a function.
    private static func isFunction(_ line: String) -> Bool {
        line.hasPrefix("    ") && !line.hasPrefix("     ") && line.contains("func ")
            && !line.contains("//")
    }
}

@Suite struct EngineLawTests {
    @Test func `every function of the engine is mutating, so that none copies it`() {
        let files = Repository.rooms.filter { $0.room == "Engine" }
        #expect(!files.isEmpty)
        expectNone(files.flatMap(EngineLaw.violations))
    }

    @Test func `a function that only reads the engine is seen`() {
        let text = """
            extension CoordinationEngine {
                func reads() -> Int { 0 }
                mutating func writes() {
                    func within() {}
                }
                static func of() {}
            }

            extension Other {
                func reads() {}
            }
            """
        let found = EngineLaw.violations(of: SourceFile(path: "X.swift", text: text))
        #expect(found.count == 1 && found.first?.hasPrefix("X.swift:2 ") == true)
    }
}
