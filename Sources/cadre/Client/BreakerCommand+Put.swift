import ArgumentParser
import Messages
import Stubs

extension BreakerCommand {
    /// Makes or changes a breaker.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a breaker, or give one other rules.",
            discussion: """
                Without --trip-at it looks at calls: --failure-rate, --slow-rate and --failures are \
                its rules. With --trip-at it looks at a reported value and closes at --recover-at; \
                rules of the one kind are refused beside those of the other.
                """)

        @Argument(help: "The breaker's name.")
        var name: String

        @Option(help: "One sentence for people.")
        var summary = ""

        @Option(help: "low, medium, high (two open degrade) or critical (an emergency).")
        var severity: SeverityWord = .medium

        @Flag(help: "Stays open until it is reset.")
        var latch = false

        @Option(help: "Guards the server's own calls of this agent type.")
        var agentType = ""

        @Option(help: "Only this operation of it.")
        var operation = ""

        @Option(help: "Looks at so many calls. Default 100.")
        var window: Int32?

        @Option(help: "Looks at the calls of so many seconds instead.")
        var windowSeconds: Double?

        @Option(help: "Calls before the rates mean something. Default 20.")
        var minimumCalls: Int32?

        @Option(help: "Opens at this share of failed calls. Default 0.5.")
        var failureRate: Double?

        @Option(help: "Opens at this share of slow calls.")
        var slowRate: Double?

        @Option(help: "From how many seconds on a call is slow. Default 60.")
        var slowSeconds: Double?

        @Option(help: "Opens at so many failed calls in the window.")
        var failures: Int32?

        @Option(help: "The first open time in seconds. Default 5.")
        var openSeconds: Double?

        @Option(parsing: .unconditional, help: "Opens when the reported value reaches this.")
        var tripAt: Double?

        @Option(
            parsing: .unconditional,
            help: "Closes when the value is back at this. Default: --trip-at.")
        var recoverAt: Double?

        @Flag(help: "Low values are the bad ones.")
        var below = false

        @Option(help: "Who does it, for the audit log.")
        var actor = ""

        @OptionGroup var server: ServerOptions

        func validate() throws {
            if tripAt == nil, let first = metricRules.first {
                throw ValidationError("\(first) needs --trip-at")
            }
            if tripAt != nil, let first = callRules.first {
                throw ValidationError(
                    "\(first) is a rule about calls, --trip-at one about a reported value; give one"
                )
            }
            try OptionCheck.range(window, 1...Int32.max, "--window")
            try OptionCheck.range(minimumCalls, 1...Int32.max, "--minimum-calls")
            try OptionCheck.range(failures, 1...Int32.max, "--failures")
        }

        /// The rules that are given and mean something beside --trip-at only.
        private var metricRules: [String] {
            [("--recover-at", recoverAt != nil), ("--below", below)].filter { $0.1 }.map { $0.0 }
        }

        /// The rules about calls that are given.
        private var callRules: [String] {
            [
                ("--window", window != nil), ("--window-seconds", windowSeconds != nil),
                ("--minimum-calls", minimumCalls != nil), ("--failure-rate", failureRate != nil),
                ("--slow-rate", slowRate != nil), ("--slow-seconds", slowSeconds != nil),
                ("--failures", failures != nil), ("--open-seconds", openSeconds != nil),
            ].filter { $0.1 }.map { $0.0 }
        }

        func run() async throws {
            try await reporting {
                var request = PutBreakerRequest()
                request.breaker = try definition()
                request.actor = actor
                try await server.withClient { client in
                    let response = try await BreakerServiceClient(client: client)
                        .putBreaker(request, options: server.callOptions)
                    (response.breaker ?? Breaker()).show(server.output)
                }
            }
        }

        private func definition() throws -> BreakerDefinition {
            var definition = BreakerDefinition()
            definition.name = name
            definition.summary = summary
            if !agentType.isEmpty || !operation.isEmpty {
                var binding = BreakerBinding()
                binding.agentType = agentType
                binding.operation = operation
                definition.binding = binding
            }
            definition.rules = try tripAt.map { .metric(metric($0)) } ?? .calls(calls())
            return definition
        }

        private func metric(_ tripAt: Double) -> MetricRules {
            var rules = MetricRules()
            rules.tripAt = tripAt
            rules.recoverAt = recoverAt ?? tripAt
            rules.below = below
            rules.severity = severity.wire
            rules.recovery = latch ? .latched : .automatic
            return rules
        }

        private func calls() throws -> CallRules {
            var rules = CallRules()
            rules.windowCalls = window ?? 0
            rules.windowMillis = try Duration.millis(windowSeconds ?? 0, "--window-seconds")
            rules.minimumCalls = minimumCalls ?? 0
            rules.failureRate = failureRate ?? 0
            rules.slowCallRate = slowRate ?? 0
            rules.slowCallMillis = try Duration.millis(slowSeconds ?? 0, "--slow-seconds")
            rules.failureCount = failures ?? 0
            rules.openTimeMillis = try Duration.millis(openSeconds ?? 0, "--open-seconds")
            rules.severity = severity.wire
            rules.recovery = latch ? .latched : .automatic
            return rules
        }
    }
}

/// Severities as people write them.
enum SeverityWord: String, ExpressibleByArgument, CaseIterable {
    case low, medium, high, critical

    var wire: BreakerSeverity {
        switch self {
        case .low: .low
        case .medium: .medium
        case .high: .high
        case .critical: .critical
        }
    }
}
