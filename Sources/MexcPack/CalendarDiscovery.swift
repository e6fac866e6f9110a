import Coordination

/// The workflow `calendar-discovery`: which listings are coming, and what to do about them.
///
///     fetch (mexc-api) -> listings (calendar) -> patterns (pattern-discovery) -> synthesis
///
/// Started with `{}` or any of `quote` (default `USDT`), `min_notice_hours` (default 3.5),
/// `min_confidence` and `trigger`; more members do no harm. What is out of range is refused at the
/// start, before the exchange is asked. Patterns are optional: without them
/// the result says so in `patterns_available` and `warnings`. An exchange that cannot be asked
/// fails the run.
enum CalendarDiscovery {
    static let definition = {
        var definition = WorkflowDefinition(
            name: "calendar-discovery", version: "2",
            summary: "Finds coming listings, how soon they open and what to do about them.",
            steps: [fetch, listings, patterns, synthesis],
            resultTemplate: #""${steps.synthesis.output}""#,
            runTimeoutMillis: 60_000)
        definition.inputSchema = inputSchema
        return definition
    }()

    /// The same bounds as ``DiscoveryOptions``; `null` is as good as left out.
    private static let inputSchema = #"""
        {"type": "object", "properties": {
          "quote": {"type": ["string", "null"], "minLength": 1, "maxLength": 16},
          "min_notice_hours": {"type": ["number", "null"], "minimum": 0, "maximum": 720},
          "min_confidence": {"type": ["number", "null"], "minimum": 0, "maximum": 100}}}
        """#

    /// Takes the run's input as it is.
    private static let fetch = StepDefinition(
        id: "fetch", agentType: MexcAPIAgent.type, operation: "symbols",
        startToCloseMillis: 20_000, retry: retry(2))

    private static let listings = StepDefinition(
        id: "listings", agentType: CalendarAgent.type, operation: "listings",
        dependsOn: ["fetch"],
        inputTemplate: #"{"snapshot": "${steps.fetch.output}", "request": "${input}"}"#,
        startToCloseMillis: 15_000, retry: retry(1))

    private static let patterns = StepDefinition(
        id: "patterns", agentType: PatternDiscoveryAgent.type, operation: "discover",
        dependsOn: ["listings"],
        inputTemplate: #"{"report": "${steps.listings.output}", "request": "${input}"}"#,
        isRequired: false, startToCloseMillis: 25_000, retry: retry(1))

    private static let synthesis = StepDefinition(
        id: "synthesis", agentType: CalendarAgent.type, operation: "synthesis",
        dependsOn: ["listings", "patterns"],
        inputTemplate:
            #"{"report": "${steps.listings.output}", "patterns": "${steps.patterns.output}"}"#,
        startToCloseMillis: 15_000, retry: retry(1))

    /// So many more attempts, waiting 500 ms and 1 s, so that the run's 60 seconds suffice.
    private static func retry(_ more: Int) -> RetryPolicy {
        RetryPolicy(maxAttempts: more + 1, initialMillis: 500, factor: 2, maxMillis: 5_000)
    }
}
