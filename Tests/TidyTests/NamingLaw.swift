import Testing

/// Law 5 and the words of the house: no type bears its module's name, and names say what a thing
/// is.
enum NamingLaw {
    /// `protocol Store` is the house's own word for what the engine commits to; its module's types
    /// are never qualified, so the name costs nothing there.
    private static let namesakes: Set = ["Store"]
    /// Ends of names that say nothing.
    private static let empty = ["Utils", "Util", "Helpers", "Helper", "Manager", "Common", "Misc"]
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "actor", "typealias",
    ]

    /// The types a file declares, with their line numbers.
    static func types(in file: SourceFile) -> [(name: String, line: Int)] {
        file.code.lines.enumerated().flatMap { index, line in
            let words = words(in: line)
            return zip(words, words.dropFirst())
                .filter { kinds.contains($0) && ($1.first?.isUppercase ?? false) }
                .map { (String($1), index + 1) }
        }
    }

    static func violations(of file: SourceFile, modules: Set<String>) -> [String] {
        var violations = types(in: file).filter { modules.subtracting(namesakes).contains($0.name) }
            .map {
                "\(file.path):\($0.line): \($0.name) is the name of a module"
            }
        violations += types(in: file).filter { type in empty.contains(where: type.name.hasSuffix) }
            .map { "\(file.path):\($0.line): \($0.name) does not say what it is" }
        let stem = file.name.split(separator: ".").first.map(String.init) ?? ""
        if empty.contains(where: stem.hasSuffix) {
            violations.append("\(file.path): this file name does not say what is in it")
        }
        return violations
    }
}

@Suite struct NamingLawTests {
    @Test func `no type bears a module's name and none has an empty one`() {
        expectNone(
            Repository.rooms.filter { !$0.isGenerated }.flatMap {
                NamingLaw.violations(of: $0, modules: Repository.roomNames)
            })
    }

    @Test func `bad names are seen`() {
        let file = SourceFile(
            path: "Sources/Store/StoreHelpers.swift",
            text: "public protocol Engine {}\nfinal class LockManager {}\nlet x: Engine.Type\n")
        #expect(
            NamingLaw.violations(of: file, modules: ["Store", "Engine"]) == [
                "Sources/Store/StoreHelpers.swift:1: Engine is the name of a module",
                "Sources/Store/StoreHelpers.swift:2: LockManager does not say what it is",
                "Sources/Store/StoreHelpers.swift: this file name does not say what is in it",
            ])
    }
}
