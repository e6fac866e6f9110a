import AgentKit
import Coordination

/// The first domain: what is about to be listed on the MEXC exchange.
///
/// A host registers the agents of an ``OpenMarket`` and puts the definitions and the breakers.
public enum MexcDomain {
    /// The agents, all working on one market: `mexc-api`, `calendar`, `pattern-discovery`.
    public static func agents(market: OpenMarket) -> [any Agent] {
        [
            MexcAPIAgent(market: market.data), CalendarAgent(market: market.data),
            PatternDiscoveryAgent(market: market.data),
        ]
    }

    /// The breakers that the agents ask: `mexc-exchange`.
    public static let breakers: [BreakerDefinition] = [ExchangeBreaker.definition]

    /// Which agents hear of which events: `pattern.detected`, `symbol.status.changed` and
    /// `risk.threshold.exceeded`.
    public static let subscriptions: [SubscriptionDefinition] = EventRoutes.all

    /// The workflows: `calendar-discovery`.
    public static let definitions: [WorkflowDefinition] = [CalendarDiscovery.definition]
}
