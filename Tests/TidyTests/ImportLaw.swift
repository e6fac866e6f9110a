import Testing

/// Laws 1 and 2: arrows only point down, and each C library has one gatekeeper.
enum ImportLaw {
    /// The modules a file imports, with their line numbers.
    static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
        file.code.lines.enumerated().compactMap { index, line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) })
            else { return nil }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "func", "protocol", "var", "let",
            ]
            let named = words[(place + 1)...].first { !kinds.contains($0) } ?? ""
            return (String(named.split { $0 == "." || $0 == ";" }.first ?? ""), index + 1)
        }
    }

    static func violations(of file: SourceFile, by rule: RoomRule) -> [String] {
        imports(of: file).filter {
            !rule.rooms.contains($0.module) && !rule.modules.contains($0.module)
        }
        .map { "\(file.path):\($0.line): \(rule.name) may not import \($0.module)" }
    }

    private static let accessLevels: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private",
    ]
}

@Suite struct ImportLawTests {
    @Test(arguments: houseTable.map(\.name))
    func `a room imports what the table allows and nothing else`(room: String) throws {
        let rule = try #require(houseTable.first { $0.name == room })
        expectNone(
            Repository.rooms.filter { $0.room == room }.flatMap {
                ImportLaw.violations(of: $0, by: rule)
            })
    }

    @Test func `every room stands in the table`() {
        let known = Set(houseTable.map(\.name))
        expectNone(Repository.roomNames.subtracting(known).map { "no line for Sources/\($0)" })
        #expect(Repository.roomNames.count > 5)
    }

    @Test func `arrows of the table point down`() {
        var above: Set<String> = cDoors
        for rule in houseTable {
            #expect(rule.rooms.isSubset(of: above), "\(rule.name) imports a room above it")
            above.insert(rule.name)
        }
    }

    @Test func `each C library has one gatekeeper room`() {
        for door in cDoors {
            #expect(houseTable.filter { $0.rooms.contains(door) }.count == 1, "\(door)")
        }
    }

    @Test func `imports are seen in every spelling, and not in prose`() {
        let file = SourceFile(
            path: "Sources/JSON/X.swift",
            text: """
                import Foundation
                @preconcurrency public import struct NIOCore.ByteBuffer
                #if canImport(Glibc)
                    import Glibc
                #endif
                // import Store
                let text = "import Engine"
                """)
        #expect(ImportLaw.imports(of: file).map(\.module) == ["Foundation", "NIOCore", "Glibc"])
        #expect(
            ImportLaw.violations(of: file, by: RoomRule("JSON", modules: ["Glibc"])) == [
                "Sources/JSON/X.swift:1: JSON may not import Foundation",
                "Sources/JSON/X.swift:2: JSON may not import NIOCore",
            ])
    }
}

/// Reports every violation as one issue, so that all are seen at once.
func expectNone(_ violations: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    let list = violations.joined(separator: "\n")
    #expect(violations.isEmpty, "\(list)", sourceLocation: sourceLocation)
}
