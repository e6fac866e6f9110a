import ArgumentParser
import Foundation
import Testing

@testable import cadre

/// What the README and the messages of the program tell people to type is there.
struct NamedVerbTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Each `cadre VERB [VERB]` of a text, in backticks or after a prompt.
    private func commands(in text: String) -> [[String]] {
        let pattern = #/(?:`|\.build/release/)cadre ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)/#
        return text.matches(of: pattern).map { $0.1.split(separator: " ").map(String.init) }
    }

    /// The first word that no command has; `nil`: all are there. Words after a command without
    /// commands of its own are its arguments.
    private func unknown(_ words: [String]) -> String? {
        var command: any ParsableCommand.Type = CadreCommand.self
        for word in words {
            let inner = command.configuration.subcommands
            if inner.isEmpty { return nil }
            guard let found = inner.first(where: { $0._commandName == word }) else { return word }
            command = found
        }
        return nil
    }

    @Test func `the README names verbs that exist`() throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
        let commands = commands(in: text)
        #expect(commands.count > 40)
        for words in commands {
            #expect(unknown(words) == nil, "cadre \(words.joined(separator: " "))")
        }
    }

    @Test func `messages and help name verbs that exist`() throws {
        let sources = Self.root.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            for words in commands(in: try String(contentsOf: file, encoding: .utf8)) {
                #expect(unknown(words) == nil, "\(file.lastPathComponent): \(words)")
            }
        }
    }

    @Test func `a verb that is not there is seen`() {
        #expect(unknown(["breaker", "get"]) == "get" && unknown(["brake"]) == "brake")
        #expect(unknown(["workflow", "show"]) == nil && unknown(["demo", "x"]) == nil)
        #expect(commands(in: "`cadre breaker get x`") == [["breaker", "get"]])
    }
}
