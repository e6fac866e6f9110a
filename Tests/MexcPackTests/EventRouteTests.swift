import Coordination
import MexcPack
import Testing

/// The routes of the domain's events.
@Suite struct EventRouteTests {
    @Test func `each event goes to the agents that are to hear of it`() {
        let routes = MexcDomain.subscriptions.map { route in
            (route.patterns.map(\.text), route.targets.map(\.name))
        }
        #expect(
            routes.map(\.0) == [
                ["pattern.detected"], ["symbol.status.changed"], ["risk.threshold.exceeded"],
            ])
        #expect(
            routes.map(\.1) == [
                ["agent/symbol-analysis/on_event", "agent/risk-manager/on_event"],
                ["agent/pattern-discovery/on_event", "agent/strategy/on_event"],
                ["agent/simulation/on_event", "agent/error-recovery/on_event"],
            ])
        #expect(MexcDomain.subscriptions.allSatisfy { !$0.isPaused && $0.filter.isEmpty })
    }
}
