import AgentKit
import Coordination

/// The agent `pattern-discovery`: finds ready states, launches and what listings have in common.
///
/// All rules are deterministic: the same listings at the same instant give the same answer.
struct PatternDiscoveryAgent: Agent {
    static let type = "pattern-discovery"
    let market: any MarketData

    var dependencies: [String] { [MexcAPIAgent.type] }
    var execution: AgentExecution { .ownThread }

    var operations: [AgentOperation] {
        [
            AgentOperation(
                "discover", "Patterns and correlations in the output of calendar.listings.",
                isIdempotent: true
            ) { (request: DiscoverRequest, _: AgentContext) in
                PatternReport(
                    request.report.listings, at: request.report.marketTime,
                    minConfidence: try (request.request ?? DiscoveryOptions())
                        .checkedMinConfidence())
            },
            AgentOperation(
                "analyse", "Patterns and correlations in symbol records.", isIdempotent: true
            ) { (request: AnalyseRequest, context: AgentContext) in
                let clock = OpeningClock(now: try await instant(request.at, context))
                return PatternReport(
                    request.records.map { Listing($0, clock) }, at: clock.now)
            },
            AgentOperation(
                "validate_ready", "Whether one record is ready, and what speaks for it.",
                isIdempotent: true
            ) { (request: ValidateRequest, context: AgentContext) in
                ReadyValidation(
                    request.record, OpeningClock(now: try await instant(request.at, context)))
            },
            AgentOperation(
                "transitions", "What changed from one snapshot to a later one.", isIdempotent: true
            ) { (request: TransitionsRequest, _: AgentContext) in try TransitionReport(request) },
            AgentOperation(
                EventRoutes.operation,
                "Assesses the record of a `symbol.status.changed`, as validate_ready does.",
                isIdempotent: true
            ) { (event: SymbolStatusChange, context: AgentContext) in
                try await assess(event, context)
            },
        ]
    }

    /// An event without a record is heard and says nothing about readiness.
    private func assess(
        _ event: SymbolStatusChange, _ context: AgentContext
    ) async throws(StepFailure) -> EventAssessment {
        guard let record = event.record else { return EventAssessment() }
        let clock = OpeningClock(now: try await instant(event.at, context))
        return EventAssessment(validation: ReadyValidation(record, clock))
    }

    private func instant(
        _ given: UTCInstant?, _ context: AgentContext
    ) async throws(StepFailure) -> UTCInstant {
        if let given { return given }
        return try await market.guarded(context).now()
    }
}

/// Input of `pattern-discovery.discover`.
struct DiscoverRequest: Sendable, Codable {
    /// The output of `calendar.listings`.
    var report: ListingReport
    /// The run's input.
    var request: DiscoveryOptions?
}

/// Input of `pattern-discovery.analyse`.
struct AnalyseRequest: Sendable, Codable {
    var records: [SymbolRecord]
    /// Seen from this instant. Default: the market's clock.
    var at: UTCInstant?
}

/// Input of `pattern-discovery.validate_ready`.
struct ValidateRequest: Sendable, Codable {
    var record: SymbolRecord
    /// Seen from this instant. Default: the market's clock.
    var at: UTCInstant?
}

/// Input of `pattern-discovery.on_event`: what a `symbol.status.changed` carries; more members do no
/// harm.
struct SymbolStatusChange: Sendable, Codable {
    /// The symbol as it is now.
    var record: SymbolRecord?
    /// Seen from this instant. Default: the market's clock.
    var at: UTCInstant?
}

/// Output of `pattern-discovery.on_event`.
struct EventAssessment: Sendable, Codable {
    /// Left out when the event carried no record.
    var validation: ReadyValidation?
}

/// Output of `pattern-discovery.validate_ready`.
struct ReadyValidation: Sendable, Codable {
    var isReady: Bool
    /// How the triple agrees with (2,2,4).
    var triple: TripleMatch
    var state: OpeningState
    var isDelayed: Bool
    var unknownFields: [String]
    /// The pattern with its evidence, also below the threshold; `nil` when a known triple is not
    /// (2,2,4).
    var pattern: PatternMatch?

    enum CodingKeys: String, CodingKey {
        case isReady = "is_ready"
        case triple, state
        case isDelayed = "is_delayed"
        case unknownFields = "unknown_fields"
        case pattern
    }

    init(_ record: SymbolRecord, _ clock: OpeningClock) {
        let listing = Listing(record, clock)
        isReady = listing.isReady
        triple = record.triple.match(.ready)
        state = listing.state
        isDelayed = listing.isDelayed
        unknownFields = record.unknownFields
        pattern = ReadyStateRule.assess(listing)
    }
}
