import ArgumentParser
import JSON
import Messages
import Stubs

/// The shared cache: looking up, setting, invalidating, following.
struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Get and set cached values, invalidate them, follow that.",
        subcommands: [Get.self, Set.self, Invalidate.self, Watch.self, Stats.self])
}

extension CacheCommand {
    /// Looks a key up.
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a cached value; fails when there is none.")

        @Argument(help: "The key.")
        var key: String

        @Option(help: "The agent that reads; without one only the shared tier is looked at.")
        var agent = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let request = CacheServiceGetRequest(key: key, agentID: agent)
                    let response = try await CacheServiceClient(client: client)
                        .get(request, options: server.callOptions)
                    try show(response.lookup ?? CacheLookup())
                }
            }
        }

        private func show(_ lookup: CacheLookup) throws {
            if server.output == .json {
                printJSON { $0.members(of: lookup, key: key) }
            } else if let value = lookup.value {
                StandardOutput.line(String(decoding: value.data, as: UTF8.self))
            }
            switch lookup.result {
            case .hit, .stale: return
            case .negative: throw Failed("\(key): it is known that there is no value")
            default: throw Failed("\(key) is not cached")
            }
        }
    }

    /// Sets a value.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a value over what was there in any tier.")

        @Argument(help: "The key.")
        var key: String

        @Argument(help: "The value: JSON or text, @FILE, or - for standard input.")
        var value: String

        @Option(help: "The agent whose tier it is for; without one it is everybody's.")
        var agent = ""

        @Option(help: "How many seconds it holds. Default: 300.")
        var ttl: Double?

        @Option(help: "After how many seconds it is stale and should be refreshed. Default: never.")
        var softTTL: Double?

        @Option(help: "A tag to invalidate it by; may be given up to 16 times.")
        var tag: [String] = []

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let payload = try InputText.payload(value)
                var entry = CacheEntry(key: key, content: .value(payload), tags: tag)
                entry.ttlMillis = try Duration.millis(ttl ?? 0, "--ttl")
                entry.softTTLMillis = try Duration.millis(softTTL ?? 0, "--soft-ttl")
                try await server.withClient { client in
                    let request = CacheServiceSetRequest(entry: entry, agentID: agent)
                    let response = try await CacheServiceClient(client: client)
                        .set(request, options: server.callOptions)
                    show(response.result ?? SetResult())
                }
            }
        }

        private func show(_ result: SetResult) {
            if server.output == .json {
                return printJSON { writer in
                    writer.member("key", key)
                    writer.member("stored", result.outcome == .stored)
                    writer.member("tier", result.tier.word)
                    writer.member("version", result.version)
                }
            }
            printVisible(
                result.outcome == .stored
                    ? "set \(key) in the \(result.tier.word) tier, version \(result.version)"
                    : "\(key) was not kept: there is no room, and other keys are read more often")
        }
    }

    /// Drops entries.
    struct Invalidate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drop a key, or all with a prefix or a tag, in every tier.")

        @Argument(help: "The key.")
        var key: String?

        @Option(help: "Drop every key that begins with this.")
        var prefix: String?

        @Option(help: "Drop every entry with this tag.")
        var tag: String?

        @Flag(help: "Drop the whole namespace.")
        var all = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            guard targets.count == 1 else {
                throw ValidationError("give one of: a key, --prefix, --tag, --all")
            }
        }

        private var targets: [InvalidateRequest.Target] {
            var targets: [InvalidateRequest.Target] = []
            if let key { targets.append(.key(key)) }
            if let prefix { targets.append(.prefix(prefix)) }
            if let tag { targets.append(.tag(tag)) }
            if all { targets.append(.everything(true)) }
            return targets
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await CacheServiceClient(client: client).invalidate(
                        InvalidateRequest(target: targets[0]), options: server.callOptions)
                    if server.output == .json {
                        printJSON { $0.member("dropped", response.dropped) }
                    } else {
                        let noun = response.dropped == 1 ? "entry" : "entries"
                        printVisible("dropped \(response.dropped) \(noun)")
                    }
                }
            }
        }
    }

    /// Prints every write and invalidation until interrupted.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every write and invalidation of the namespace.")

        @Option(help: "Only keys that begin with this; may be given several times.")
        var prefix: [String] = []

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let updates = try await CacheServiceClient(client: client)
                        .watchInvalidations(
                            WatchInvalidationsRequest(prefixes: prefix),
                            options: server.watchOptions)
                    for try await update in updates {
                        for invalidation in update.invalidations { show(invalidation) }
                    }
                }
            }
        }

        private func show(_ invalidation: Invalidation) {
            if server.output == .json {
                StandardOutput.jsonLine {
                    $0.beginObject()
                    $0.member("sequence", invalidation.sequence)
                    $0.member("cause", invalidation.cause.word)
                    $0.member("target", invalidation.targetText)
                    $0.endObject()
                }
            } else {
                StandardOutput.line(
                    "\(invalidation.sequence) \(invalidation.cause.word) "
                        + invalidation.targetText.visible)
            }
        }
    }

    /// Shows what the cache holds and how well it does.
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what the cache of the server holds and how well it does.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let stats = try await CacheServiceClient(client: client).getStats(
                        CacheServiceGetStatsRequest(), options: server.callOptions)
                    if server.output == .json {
                        printJSON { $0.members(of: stats) }
                    } else {
                        printVisible(stats.text)
                    }
                }
            }
        }
    }
}
