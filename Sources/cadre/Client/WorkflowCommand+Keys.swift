import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

extension WorkflowCommand {
    /// Lists keys.
    struct Keys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List concurrency and rate keys with who holds them and who waits.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    try await show(all(WorkflowServiceClient(client: client)), server.output)
                }
            }
        }

        private func all(_ workflows: WorkflowServiceClient) async throws -> [KeyStatus] {
            var request = ListKeysRequest()
            var keys: [KeyStatus] = []
            repeat {
                let page = try await workflows.listKeys(request, options: server.callOptions)
                keys += page.keys
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return keys
        }
    }

    /// Pauses a key.
    struct PauseKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause-key",
            abstract: "Keep steps with a concurrency or rate key from beginning.")

        @OptionGroup var options: KeyOptions

        @Option(name: .customLong("for"), help: "Ends by itself after so many seconds.")
        var seconds: Double = 3_600

        func run() async throws {
            try await options.pause {
                let now = Int64(Date().timeIntervalSince1970 * 1_000)
                return try now + Duration.millis(seconds, "--for")
            }
        }
    }

    /// Ends a key's pause.
    struct ResumeKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume-key", abstract: "Let steps with a paused key go on.")

        @OptionGroup var options: KeyOptions

        func run() async throws { try await options.pause { 0 } }
    }
}

/// Which key, who does it and why.
struct KeyOptions: ParsableArguments {
    @Argument(help: "The key, as the steps name it.")
    var key: String

    @Option(help: "Why.")
    var reason = ""

    @Option(help: "Who does it, for the audit log.")
    var actor = ""

    @OptionGroup var server: ServerOptions

    /// Pauses the key until then; 0 lets it go on.
    func pause(until millis: () throws -> Int64) async throws {
        try await reporting {
            var request = PauseKeyRequest()
            request.key = key
            request.untilUnixMillis = try millis()
            request.reason = reason
            request.actor = actor
            try await server.withClient { client in
                let response = try await WorkflowServiceClient(client: client)
                    .pauseKey(request, options: server.callOptions)
                show([response.key ?? KeyStatus()], server.output)
            }
        }
    }
}

private func show(_ keys: [KeyStatus], _ output: OutputFormat) {
    if output == .json { return printJSON { $0.member("keys", keys) { $0.key($1) } } }
    var table = TextTable("KEY", "HELD", "WAITING", "NEXT BEGIN", "PAUSED UNTIL", "WHY")
    for key in keys {
        table.add(
            key.key, "\(key.holderCount)", "\(key.waiterCount)",
            Instant.textOrNothing(key.nextBeginUnixMillis),
            Instant.textOrNothing(key.pause?.untilUnixMillis ?? 0), key.pause?.reason ?? "")
    }
    printVisible(table.text)
}

extension Instant {
    /// Nothing for 0.
    static func textOrNothing(_ millis: Int64) -> String { millis == 0 ? "" : text(millis) }
}

extension JSONWriter {
    fileprivate mutating func key(_ status: KeyStatus) {
        beginObject()
        member("key", status.key)
        member("holder_count", status.holderCount)
        member("holders", status.holders) { $0.user($1) }
        member("waiter_count", status.waiterCount)
        member("waiters", status.waiters) { $0.user($1) }
        if status.nextBeginUnixMillis > 0 {
            member("next_begin", Instant.text(status.nextBeginUnixMillis))
        }
        if let pause = status.pause {
            member("paused_until", Instant.text(pause.untilUnixMillis))
            member("reason", pause.reason)
            member("actor", pause.actor)
        }
        endObject()
    }

    private mutating func user(_ user: KeyUser) {
        beginObject()
        member("run_id", user.runID)
        member("step", user.step)
        endObject()
    }
}
