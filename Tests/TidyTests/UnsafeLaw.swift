import Testing

/// Law 2, second half: pointers are touched where the table says, and every promise that the
/// compiler takes on trust has its reason beside it.
enum UnsafeLaw {
    static func violations(of file: SourceFile, by rule: RoomRule) -> [String] {
        if rule.mayBeUnsafe(file.name) || file.places(of: ["unsafe"]).isEmpty { return [] }
        return file.code.lines.enumerated().filter { words(in: $1).contains("unsafe") }
            .map { "\(file.path):\($0.offset + 1): `unsafe` is not for \(file.name)" }
    }

    /// `@unchecked Sendable` and `nonisolated(unsafe)` without a comment close by.
    static func unreasoned(in file: SourceFile) -> [String] {
        if file.places(of: promises).isEmpty { return [] }
        return file.code.lines.enumerated().filter {
            isPromise($1) && !hasReason(near: $0, in: file)
        }
        .map { "\(file.path):\($0.offset + 1): says no reason why this is true" }
    }

    private static func isPromise(_ line: String) -> Bool {
        promises.contains { line.contains($0) }
    }

    private static let promises = ["@unchecked Sendable", "nonisolated(unsafe)"]

    private static func hasReason(near index: Int, in file: SourceFile) -> Bool {
        let near = max(0, index - 8)..<min(file.lines.count, index + 7)
        return file.lines[near].contains { $0.contains("//") }
    }
}

@Suite struct UnsafeLawTests {
    @Test(arguments: houseTable.map(\.name))
    func `a room is unsafe in the files the table names only`(room: String) throws {
        let rule = try #require(houseTable.first { $0.name == room })
        expectNone(
            Repository.rooms.filter { $0.room == room }.flatMap {
                UnsafeLaw.violations(of: $0, by: rule)
            })
    }

    @Test func `every unchecked promise has a comment with its reason`() {
        expectNone(Repository.written.flatMap(UnsafeLaw.unreasoned))
    }

    @Test func `the word is seen in code and not in prose`() {
        let file = SourceFile(
            path: "Sources/HTTP2/Frame.swift",
            text: "// unsafe\nlet a = \"unsafe\"\nlet b = unsafe pointer.pointee\nlet unsafeA = 1\n"
        )
        let rule = RoomRule("HTTP2") { $0.hasPrefix("HTTP2Session") }
        #expect(
            UnsafeLaw.violations(of: file, by: rule) == [
                "Sources/HTTP2/Frame.swift:3: `unsafe` is not for Frame.swift"
            ])
        let session = SourceFile(path: "Sources/HTTP2/HTTP2Session.swift", text: file.text)
        #expect(UnsafeLaw.violations(of: session, by: rule).isEmpty)
    }

    @Test func `a promise without a reason is reported`() {
        let bare = "\n\n\n\n\n\n\n\n\n\nfinal class A: @unchecked Sendable {\n}\n"
        #expect(UnsafeLaw.unreasoned(in: SourceFile(path: "A.swift", text: bare)).count == 1)
        let reasoned = bare + "// Only read after init.\n"
        #expect(UnsafeLaw.unreasoned(in: SourceFile(path: "A.swift", text: reasoned)).isEmpty)
    }
}
