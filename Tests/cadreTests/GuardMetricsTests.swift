import Coordination
import Engine
import Telemetry
import Testing

@testable import cadre

struct GuardMetricsTests {
    private let registry = MetricsRegistry()

    private func lines() -> [Substring] {
        String(decoding: registry.render(.prometheusText), as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
    }

    @Test func `a deleted breaker leaves no series, and its place to another one`() {
        let metrics = GuardMetrics(registry)
        var counts = BreakerCounts()
        counts.failures = 2
        counts.slow = 1
        counts.notPermitted = 1
        counts.trips = 1
        for number in 0..<300 {
            let name = "b\(number)"
            metrics.noted(.breakerState(namespace: .default, name: name, state: .open))
            metrics.noted(.breakerCalls(namespace: .default, name: name, counts))
            #expect(lines().contains { $0.contains("breaker=\"\(name)\"") })
            metrics.noted(.breakerDeleted(namespace: .default, name: name))
        }
        #expect(lines().filter { $0.hasPrefix("cadre_breaker") } == [])
    }

    @Test func `how many are isolated goes down when one leaves`() {
        let metrics = GuardMetrics(registry)
        metrics.noted(.isolation(type: "a", kind: .isolated))
        metrics.noted(.isolated(type: "a", instances: 1))
        metrics.noted(.isolated(type: "a", instances: 0))
        #expect(lines().contains("cadre_agent_isolated{agent_type=\"a\"} 0.0"))
        #expect(
            lines().contains {
                $0.hasPrefix("cadre_agent_isolation_decisions") && $0.hasSuffix(" 1")
            })
    }
}
