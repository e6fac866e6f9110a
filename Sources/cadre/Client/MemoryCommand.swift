import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

/// Shared memory: reading, writing and watching keys.
struct MemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "Read, write, list and watch keys of shared memory.",
        subcommands: [
            Get.self, Put.self, Delete.self, List.self, Watch.self, History.self,
        ])
}

/// The lock that a write is made under.
struct FenceOptions: ParsableArguments {
    @Option(help: "Only if this lock is held under --token.")
    var lock: String?

    @Option(help: "The fencing token of --lock.")
    var token: UInt64?

    func validate() throws {
        guard (lock == nil) == (token == nil) else {
            throw ValidationError("--lock and --token go together")
        }
    }

    var fence: LockFence? {
        guard let lock, let token else { return nil }
        return LockFence(resource: lock, fencingToken: token)
    }
}

extension MemoryCommand {
    /// Shows what keys hold.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what a key holds.")

        @Argument(help: "The key.")
        var key: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await MemoryServiceClient(client: client)
                        .get(MemoryServiceGetRequest(key: key), options: server.callOptions)
                    let entry = response.entry ?? MemoryEntry()
                    if server.output == .json {
                        StandardOutput.jsonLine { $0.entry(entry) }
                    } else {
                        printVisible(entry.line.visible)
                    }
                }
            }
        }
    }

    /// Writes a key.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write a key.")

        @Argument(help: "The key.")
        var key: String

        @Argument(help: "The value: JSON or text, @FILE, or - for standard input.")
        var value: String

        @Option(
            help: "The value's media type. Default: application/json when it is, else text/plain.")
        var type = ""

        @Option(help: "Only if the key is at this revision; 0: only if it holds nothing.")
        var expect: Int64?

        @Option(help: "The key is deleted after so many seconds; 0: never.")
        var ttl: Double = 0

        @Option(help: "Who writes.")
        var actor = ""

        @OptionGroup var fence: FenceOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = MemoryServicePutRequest()
                request.key = key
                request.value = try InputText.payload(value, type: type)
                request.ttlMillis = try Duration.millis(ttl, "--ttl")
                request.expectation = expect.map { .expectedRevision($0) }
                request.fence = fence.fence
                request.actor = actor
                request.requestID = UUID().uuidString
                try await server.withClient { client in
                    let response = try await MemoryServiceClient(client: client)
                        .put(request, options: server.callOptions)
                    show(response)
                }
            }
        }

        private func show(_ response: MemoryServicePutResponse) {
            if server.output == .json {
                return StandardOutput.jsonLine {
                    $0.beginObject()
                    $0.member("revision", response.revision)
                    $0.member("created", response.created)
                    $0.endObject()
                }
            }
            printVisible(
                "\(response.created ? "created" : "updated") \(key) at \(response.revision)")
        }
    }

    /// Deletes a key.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a key.")

        @Argument(help: "The key.")
        var key: String

        @Option(help: "Only if the key is at this revision.")
        var expect: Int64?

        @Option(help: "Who deletes.")
        var actor = ""

        @OptionGroup var fence: FenceOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = MemoryServiceDeleteRequest()
                request.key = key
                request.expectation = expect.map { .expectedRevision($0) }
                request.fence = fence.fence
                request.actor = actor
                request.requestID = UUID().uuidString
                try await server.withClient { client in
                    let response = try await MemoryServiceClient(client: client)
                        .delete(request, options: server.callOptions)
                    if server.output == .json {
                        StandardOutput.jsonLine {
                            $0.beginObject()
                            $0.member("deleted", response.deleted)
                            $0.member("revision", response.revision)
                            $0.endObject()
                        }
                    } else {
                        printVisible(response.deleted ? "deleted \(key)" : "\(key) holds nothing")
                    }
                }
            }
        }
    }

    /// Lists keys.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys with a prefix.")

        @Argument(help: "What the keys begin with.")
        var prefix = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let entries = try await all(MemoryServiceClient(client: client))
                    if server.output == .json {
                        return printJSON { $0.member("entries", entries) { $0.entry($1) } }
                    }
                    var table = TextTable("KEY", "REVISION", "VERSION", "UPDATED", "BY", "VALUE")
                    for entry in entries {
                        table.add(
                            entry.key, "\(entry.revision)", "\(entry.version)",
                            Instant.text(entry.updatedUnixMillis), entry.lastUpdatedBy,
                            entry.valueText)
                    }
                    printVisible(table.text)
                }
            }
        }

        private func all(_ memory: MemoryServiceClient) async throws -> [MemoryEntry] {
            var request = MemoryServiceListRequest(prefix: prefix)
            var entries: [MemoryEntry] = []
            repeat {
                let page = try await memory.list(request, options: server.callOptions)
                entries += page.entries
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return entries
        }
    }

    /// Prints every change until interrupted.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print each change of a key, or of all keys with a prefix.")

        @Argument(help: "The key, or with --prefix what the keys begin with.")
        var key = ""

        @Flag(help: "Watch all keys that begin so.")
        var prefix = false

        @Option(help: "The first revision wanted; 0: what comes from now on.")
        var from: Int64 = 0

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = MemoryServiceWatchRequest()
                request.scope = prefix || key.isEmpty ? .prefix(key) : .key(key)
                request.fromRevision = from
                try await server.withClient { client in
                    let updates = try await MemoryServiceClient(client: client)
                        .watch(request, options: server.watchOptions)
                    for try await update in updates {
                        guard case .changes(let changes) = update.update else { continue }
                        for change in changes.changes { change.show(server.output) }
                    }
                }
            }
        }
    }

    /// Shows what a key held.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the changes of a key, newest first.")

        @Argument(help: "The key.")
        var key: String

        @Option(help: "How many at most, 1 to 1000.")
        var limit: Int32 = 20

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.range(limit, 1...1_000, "--limit")
        }

        func run() async throws {
            try await reporting {
                let request = MemoryServiceHistoryRequest(key: key, pageSize: limit)
                try await server.withClient { client in
                    let response = try await MemoryServiceClient(client: client)
                        .history(request, options: server.callOptions)
                    for change in response.changes { change.show(server.output) }
                }
            }
        }
    }
}

extension MemoryEntry {
    /// The value as one line of text.
    fileprivate var valueText: String {
        guard let value else { return "" }
        let text = String(decoding: value.data, as: UTF8.self)
        let isText = text.unicodeScalars.allSatisfy { $0 != "\u{FFFD}" && $0.value >= 32 }
        return isText ? text : "(\(value.data.count) bytes of \(value.contentType))"
    }

    fileprivate var line: String {
        "\(key) = \(valueText)  (revision \(revision), version \(version), "
            + "\(Instant.text(updatedUnixMillis))"
            + "\(lastUpdatedBy.isEmpty ? "" : " by \(lastUpdatedBy)"))"
    }
}

extension MemoryChange {
    fileprivate func show(_ output: OutputFormat) {
        let entry = entry ?? MemoryEntry()
        if output == .json {
            return StandardOutput.jsonLine {
                $0.beginObject()
                $0.member("change", kind.word)
                $0.key("entry")
                $0.entry(entry)
                $0.endObject()
            }
        }
        let value = kind == .put ? " = \(entry.valueText)" : ""
        let who = entry.lastUpdatedBy.isEmpty ? "" : "  by \(entry.lastUpdatedBy)"
        StandardOutput.line(
            ("\(entry.revision) \(Instant.text(entry.updatedUnixMillis)) \(kind.word) "
                + "\(entry.key)\(value)\(who)").visible)
    }
}

extension JSONWriter {
    fileprivate mutating func entry(_ entry: MemoryEntry) {
        beginObject()
        member("key", entry.key)
        if let value = entry.value {
            key("value")
            payload(value)
        }
        member("revision", entry.revision)
        member("created_revision", entry.createdRevision)
        member("version", entry.version)
        member("created", Instant.text(entry.createdUnixMillis))
        member("updated", Instant.text(entry.updatedUnixMillis))
        member("last_updated_by", entry.lastUpdatedBy)
        if entry.expiresUnixMillis > 0 {
            member("expires", Instant.text(entry.expiresUnixMillis))
        }
        endObject()
    }
}
