import AgentKit
import Coordination

/// The first domain: what is about to be listed on the MEXC exchange.
///
/// A host registers the agents of an ``OpenMarket`` and puts the definitions.
public enum MexcDomain {
    /// The agents, all working on one market: `mexc-api`, `calendar`, `pattern-discovery`.
    public static func agents(market: OpenMarket) -> [any Agent] {
        [
            MexcAPIAgent(market: market.data), CalendarAgent(market: market.data),
            PatternDiscoveryAgent(market: market.data),
        ]
    }

    /// The workflows: `calendar-discovery`.
    public static let definitions: [WorkflowDefinition] = [CalendarDiscovery.definition]
}
