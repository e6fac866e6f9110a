import Coordination
import Engine
import Foundation
import Logging
import Testing

@testable import cadre

@Suite struct DefinitionDirectoryTests {
    /// What was put, and the next refusal.
    private actor Engine {
        var put: [String] = []
        var refusal: Rejection?

        func take(_ definition: WorkflowDefinition) -> Rejection? {
            if let refusal { return refusal }
            put.append("\(definition.name) \(definition.version)")
            return nil
        }

        func refuse(_ rejection: Rejection?) { refusal = rejection }
    }

    private func text(_ version: Int) -> Data {
        Data(
            """
            {"name": "one", "version": "\(version)",
             "steps": [{"id": "s", "agent_type": "a", "operation": "o"}]}
            """.utf8)
    }

    @Test func `files are put once for each content, and bad ones replace nothing`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "definitions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = Engine()
        var directory = DefinitionDirectory(
            path: folder.path(percentEncoded: false), log: Logger(label: "test"))

        try text(1).write(to: folder.appending(path: "one.json"))
        try Data("notes".utf8).write(to: folder.appending(path: "README.md"))
        try Data("name: [".utf8).write(to: folder.appending(path: "bad.yaml"))
        for _ in 0..<2 {
            let isRead = await directory.look { await engine.take($0) }
            #expect(isRead)
        }
        #expect(await engine.put == ["one 1"])

        try Data("nome: one".utf8).write(to: folder.appending(path: "one.json"))
        await directory.look { await engine.take($0) }
        #expect(await engine.put == ["one 1"])

        // What is refused for want of room is tried again, what is wrong is not.
        try text(2).write(to: folder.appending(path: "one.json"))
        await engine.refuse(Rejection(.overloaded, reason: "DISK_FULL", "full"))
        await directory.look { await engine.take($0) }
        await engine.refuse(nil)
        await directory.look { await engine.take($0) }
        #expect(await engine.put == ["one 1", "one 2"])

        try text(3).write(to: folder.appending(path: "one.json"))
        await engine.refuse(Rejection(.invalid, reason: "BAD_DEFINITION", "bad"))
        await directory.look { await engine.take($0) }
        await engine.refuse(nil)
        await directory.look { await engine.take($0) }
        #expect(await engine.put == ["one 1", "one 2"])
    }

    @Test func `a directory that is not there is said to be`() async {
        var directory = DefinitionDirectory(path: "/none/such", log: Logger(label: "test"))
        let isRead = await directory.look { _ in nil }
        #expect(!isRead)
    }
}
