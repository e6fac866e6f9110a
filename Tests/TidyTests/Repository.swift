import Foundation

/// One Swift file of the repository.
struct SourceFile: Sendable {
    /// Path from the repository's root, such as `Sources/JSON/JSONView.swift`.
    let path: String
    /// The file as it stands.
    let text: String
    /// The file's lines as they stand.
    let lines: [String]
    /// The file's code without prose.
    let code: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = linesOf(text)
        code = SwiftText(text)
    }

    /// The file's own name.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// The room it belongs to, for files under `Sources`.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var isGenerated: Bool { path.contains("/Generated/") }

    /// Whether it belongs to a test target; the programs that tests start stand elsewhere.
    var isTest: Bool {
        path.hasPrefix("Tests/")
            && path.split(separator: "/").dropFirst().first?.hasSuffix("Tests") == true
    }

    /// The lines of code, or of everything, that contain one of some texts: `path:line: "text"`.
    func places(of texts: [String], inProseToo: Bool = false) -> [String] {
        let whole = inProseToo ? text : code.code
        // One quick look at the whole file spares most files the walk over their lines.
        return texts.filter { strstr(whole, $0) != nil }.flatMap { text in
            (inProseToo ? lines : code.lines).enumerated().filter { strstr($1, text) != nil }
                .map { "\(path):\($0.offset + 1): \"\(text)\"" }
        }
    }
}

/// The checkout these tests were built from.
enum Repository {
    /// Its root, found from where this file stands.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All Swift files of the package and of the generator beside it.
    static let files: [SourceFile] = ["Sources", "Tests", "proto"].flatMap(paths).filter {
        $0.hasSuffix(".swift")
    }.map { path in
        SourceFile(path: path, text: text(of: path))
    }

    /// Files written by hand.
    static let written = files.filter { !$0.isGenerated }

    /// Files of the rooms, generated ones included.
    static let rooms = files.filter { $0.room != nil }

    /// Names of the rooms that exist.
    static let roomNames = Set(rooms.compactMap(\.room))

    /// Names directly in the root.
    static let topLevel =
        (try? FileManager.default.contentsOfDirectory(atPath: root.path(percentEncoded: false)))
        ?? []

    /// Every file below a folder, without hidden ones (build folders are hidden).
    static func paths(below folder: String) -> [String] {
        let start = root.appending(path: folder)
        let keys: [URLResourceKey] = [.isRegularFileKey]
        let walk = FileManager.default.enumerator(
            at: start, includingPropertiesForKeys: keys, options: [.skipsHiddenFiles])
        let prefix = root.path(percentEncoded: false)
        return (walk?.compactMap { $0 as? URL } ?? [])
            .filter { (try? $0.resourceValues(forKeys: Set(keys)).isRegularFile) == true }
            .map { $0.path(percentEncoded: false) }
            .map { String($0.dropFirst(prefix.count).drop { $0 == "/" }) }
            .sorted()
    }

    /// A file's text; bytes that are not UTF-8 are shown as such, never skipped.
    static func text(of path: String) -> String {
        let data = FileManager.default.contents(
            atPath: root.appending(path: path).path(percentEncoded: false))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
