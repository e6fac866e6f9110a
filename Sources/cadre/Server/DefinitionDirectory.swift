import Coordination
import Engine
import Foundation
import Logging
import Messages
import Services

/// A directory of workflow definitions, YAML or JSON, one a file: what is in it is put into the
/// engine at the start and whenever a file changes.
///
/// A file that is wrong replaces nothing: what is wrong with it is logged, each fault by name, once
/// for each content. A file that goes away takes nothing back, since runs may need its definition.
struct DefinitionDirectory: Sendable {
    /// The most files that are looked at, and the largest of them.
    private static let (maxFiles, maxBytes) = (1_000, 1 << 20)

    private let path: String
    private let log: Logger
    /// What each file held when it was looked at last, good or bad.
    private var seen: [String: Data] = [:]

    /// Looks at the files of a directory.
    init(path: String, log: Logger) {
        self.path = path
        self.log = log
    }

    /// The files' names, sorted; `nil` when the directory cannot be read.
    private var names: [String]? {
        guard let all = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return nil
        }
        let endings = [".yaml", ".yml", ".json"]
        return all.filter { name in
            !name.hasPrefix(".") && endings.contains { name.lowercased().hasSuffix($0) }
        }.sorted()
    }

    /// Puts what is new or has changed since the last look.
    ///
    /// - Parameter put: gives the definition to the engine and says why it was refused, if it was.
    /// - Returns: whether the directory could be read.
    @discardableResult
    mutating func look(
        _ put: (Coordination.WorkflowDefinition) async -> Rejection?
    ) async -> Bool {
        guard let names else { return false }
        if names.count > Self.maxFiles {
            log.error("\(path) has \(names.count) files; only the first \(Self.maxFiles) count")
        }
        for name in names.prefix(Self.maxFiles) {
            guard let content = FileManager.default.contents(atPath: "\(path)/\(name)"),
                seen[name] != content
            else { continue }
            if await take(name, content, put) { seen[name] = content }
        }
        return true
    }

    /// Whether the content has been dealt with, for good or ill; it is tried again otherwise.
    private func take(
        _ name: String, _ content: Data,
        _ put: (Coordination.WorkflowDefinition) async -> Rejection?
    ) async -> Bool {
        let definition: Messages.WorkflowDefinition
        do throws(Failed) {
            guard content.count <= Self.maxBytes else {
                throw Failed("is over \(Self.maxBytes) bytes")
            }
            definition = try DefinitionFile(String(decoding: content, as: UTF8.self)).definition
        } catch {
            log.error("definition file \(name) is wrong and replaces nothing: \(error)")
            return true
        }
        guard let rejection = await put(Coordination.WorkflowDefinition(definition)) else {
            log.info(
                "definition file taken",
                metadata: [
                    "file": "\(name)", "workflow": "\(definition.name)",
                    "version": "\(definition.version)",
                ])
            return true
        }
        log.error("definition file \(name) replaces nothing: \(rejection.message)")
        for fault in rejection.fields {
            log.error("definition file \(name): \(fault.field) \(fault.description)")
        }
        // A full disk or a queue is no fault of the file's.
        return rejection.code != .overloaded && rejection.code != .unavailable
    }
}
