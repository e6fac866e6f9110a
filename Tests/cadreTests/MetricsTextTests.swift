import Messages
import Testing
import Threads

@testable import cadre

struct MetricsTextTests {
    private var metrics: CoordinationMetrics {
        var metrics = CoordinationMetrics()
        metrics.window = MetricsWindow(startUnixMillis: 0, endUnixMillis: 60_000)
        var workflows = WorkflowMetrics()
        workflows.total = 12
        workflows.active = 3
        workflows.started = 9
        workflows.completed = 6
        workflows.failed = 2
        workflows.timedOut = 1
        workflows.duration = DurationSummary(
            count: 9, meanMicros: 1_234_567, p50Micros: 900_000, p95Micros: 12_345,
            p99Micros: 999)
        metrics.workflows = workflows
        metrics.consensus = ConsensusMetrics(
            decided: 4, undecided: 1, accuracy: Measure(value: 0.756, observations: 4))
        metrics.agentTypes = [
            AgentTypeMetrics(agentType: "idle", instances: 1, slots: 64),
            AgentTypeMetrics(
                agentType: "busy", instances: 2, heldInstances: 1, slots: 8, slotsTaken: 7,
                waiting: 5, utilization: Measure(value: 0.91, observations: 40), finished: 20,
                failed: 1, meanQueueMicros: 4_000, meanExecutionMicros: 250_000,
                meanOverheadMicros: 90),
        ]
        metrics.services = [
            ServiceMetrics(service: "used", calls: 3, failed: 1, active: 0),
            ServiceMetrics(service: "unused"),
        ]
        return metrics
    }

    @Test func `a line has the eight numbers, dashes for what was not measured`() {
        #expect(
            MetricsText(metrics: metrics).line
                == "1970-01-01T00:01:00Z active=3 started=9 completed=6 failed=3 "
                + "duration=1.23 s work=0 waiting=0 overhead=- latency=- accuracy=75.6 % "
                + "recovery=- breakers_open=0")
    }

    @Test func `the screen shows the busiest types first and only services that were called`() {
        let lines = MetricsText(metrics: metrics).screen(rows: 1)
        #expect(lines[0].contains("window 60 s"))
        #expect(lines[2] == "duration   mean 1.23 s, p50 900 ms, p95 12.3 ms, p99 999 us")
        let table = lines.firstIndex { $0.hasPrefix("AGENT TYPE") } ?? 0
        let cells = lines[table + 1].split(separator: " ").joined(separator: " ")
        #expect(cells == "busy 2 (1 held) 7/8 91 % 5 20 1 4 ms 250 ms 90 us")
        #expect(lines[table + 2] == "and 1 more")
        #expect(lines.contains { $0.hasPrefix("used") })
        #expect(!lines.contains { $0.hasPrefix("unused") })
    }

    /// With as many agent types and services.
    private func crowd(_ count: Int) -> MetricsText {
        var metrics = metrics
        metrics.agentTypes = (0..<count).map { number in
            AgentTypeMetrics(
                agentType: "type-\(number)",
                utilization: Measure(value: Double(count - number) / 100, observations: 1))
        }
        metrics.services = (0..<3).map { ServiceMetrics(service: "service-\($0)", calls: 1) }
        return MetricsText(metrics: metrics)
    }

    @Test(arguments: [(80, 24), (40, 10), (20, 5), (1, 1), (200, 60)])
    func `the screen is no larger than its terminal`(columns: Int, lines: Int) {
        let size = TerminalSize(columns: columns, lines: lines)
        let screen = crowd(30).screen(rows: 20, in: size)
        #expect(screen.count <= lines)
        #expect(screen.allSatisfy { $0.columns < columns || $0.isEmpty })
    }

    @Test func `agent types are left out before anything else, the busiest last`() {
        let screen = crowd(30).screen(rows: 20, in: TerminalSize(columns: 200, lines: 24))
        #expect(screen.count == 24)
        let types = screen.filter { $0.hasPrefix("type-") }
        #expect(types.first?.hasPrefix("type-0 ") == true && !types.isEmpty)
        #expect(screen.contains("and \(30 - types.count) more"))
        #expect(screen.filter { $0.hasPrefix("service-") }.count == 3)
    }

    @Test func `a large terminal shows all that was asked for`() {
        let size = TerminalSize(columns: 300, lines: 100)
        let metrics = crowd(30)
        #expect(metrics.screen(rows: 20, in: size) == metrics.screen(rows: 20))
    }

    @Test(arguments: [
        (0, "0"), (0.004, "0"), (0.015, "0.02"), (3.14159, "3.14"), (12.345, "12.3"),
        (1234.5, "1235"), (-7.004, "-7"), (.infinity, "9000000000000000000"),
    ])
    func `numbers have three digits where that is enough`(value: Double, text: String) {
        #expect(MetricsText.number(value) == text)
    }
}
