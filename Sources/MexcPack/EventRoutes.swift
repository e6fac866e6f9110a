import Coordination

/// Which agents hear of which events of the domain: the three routes that its agents are told by.
///
/// | event | goes to |
/// |---|---|
/// | `pattern.detected` | `symbol-analysis`, `risk-manager` |
/// | `symbol.status.changed` | `pattern-discovery`, `strategy` |
/// | `risk.threshold.exceeded` | `simulation`, `error-recovery` |
///
/// Each is a durable subscription that calls the operation `on_event` of each agent type, one event
/// after the other. Of these types `pattern-discovery` comes with the pack; the others are for agents
/// that join. One that nobody offers yet holds up nobody else: its events wait, which its subscription
/// shows as lag, for as long as their topic holds them.
enum EventRoutes {
    static let operation = "on_event"

    static let all = [
        route(
            "pattern.detected", to: ["symbol-analysis", "risk-manager"],
            "A pattern that says something about a coming listing."),
        route(
            "symbol.status.changed", to: ["pattern-discovery", "strategy"],
            "A symbol went on to another state."),
        route(
            "risk.threshold.exceeded", to: ["simulation", "error-recovery"],
            "A risk is over what is allowed."),
    ]

    private static func route(
        _ topic: String, to types: [String], _ summary: String
    ) -> SubscriptionDefinition {
        SubscriptionDefinition(
            name: "route/\(topic)", patterns: [TopicPattern(topic) ?? .all],
            targets: types.map {
                .agent(type: $0, operation: operation, hasEnvelope: false)
            }, summary: summary)
    }
}
