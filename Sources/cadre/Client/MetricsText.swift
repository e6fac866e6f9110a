import Foundation
import Messages
import Threads

/// Coordination metrics as people read them. What was not measured is a dash.
struct MetricsText {
    let metrics: CoordinationMetrics

    /// One line, for logs.
    var line: String {
        let workflows = metrics.workflows ?? WorkflowMetrics()
        return [
            Instant.text(metrics.window?.endUnixMillis ?? 0),
            "active=\(workflows.active)", "started=\(workflows.started)",
            "completed=\(workflows.completed)", "failed=\(workflows.failed + workflows.timedOut)",
            "duration=\(Self.mean(workflows.duration))",
            "work=\(metrics.work?.finished ?? 0)", "waiting=\(metrics.work?.waiting ?? 0)",
            "overhead=\(Self.mean(metrics.overhead?.duration))",
            "latency=\(Self.mean(metrics.communicationLatency))",
            "accuracy=\(Self.percent(metrics.consensus?.accuracy))",
            "recovery=\(Self.mean(metrics.recovery?.work))",
            "breakers_open=\(metrics.breakers?.open ?? 0)",
        ].joined(separator: " ")
    }

    /// The whole view, or what a terminal has room for: agent types are left out first, the least
    /// busy before the others, then services.
    ///
    /// - Parameters:
    ///   - rows: agent types to show; the busiest come first.
    ///   - size: the terminal's; `nil`: without bounds.
    func screen(rows: Int, in size: TerminalSize? = nil) -> [String] {
        let services = self.services
        guard let size else { return head + [""] + agentTypes(rows) + [""] + services }
        // Beside the types: their table's head, what counts the rest, and two empty lines.
        let room = size.lines - head.count - services.count - 4
        let lines = head + [""] + agentTypes(max(0, min(rows, room))) + [""] + services
        // A terminal holds the wrap back when its last column is written: what erases the rest of the
        // line would take that character with it.
        return lines.prefix(size.lines).map { $0.prefix(columns: size.columns - 1) }
    }

    private func agentTypes(_ rows: Int) -> [String] {
        var table = TextTable(
            "AGENT TYPE", "INSTANCES", "SLOTS", "USE", "WAITING", "DONE", "FAILED", "QUEUE", "WORK",
            "OVERHEAD")
        let types = metrics.agentTypes.sorted {
            ($0.utilization?.value ?? -1, $1.agentType)
                > ($1.utilization?.value ?? -1, $0.agentType)
        }
        for type in types.prefix(rows) { add(type, to: &table) }
        let rest = types.count > rows ? ["and \(types.count - rows) more"] : []
        return table.text.split(separator: "\n").map(String.init) + rest
    }

    private var services: [String] {
        var services = TextTable("SERVICE", "CALLS", "FAILED", "OPEN", "MEAN")
        for service in metrics.services where service.calls + service.active > 0 {
            services.add(
                service.service, "\(service.calls)", "\(service.failed)", "\(service.active)",
                service.meanSeconds.map { Self.time(micros: Int64($0.value * 1e6)) } ?? "-")
        }
        return services.text.split(separator: "\n").map(String.init)
    }

    private var head: [String] {
        let workflows = metrics.workflows ?? WorkflowMetrics()
        let work = metrics.work ?? WorkMetrics()
        let window = metrics.window ?? MetricsWindow()
        let seconds = Double(window.endUnixMillis - window.startUnixMillis) / 1_000
        return [
            "cadre \(Instant.text(window.endUnixMillis))  window \(Self.number(seconds)) s",
            "workflows  \(workflows.active) active, \(workflows.total) in all; "
                + "\(workflows.started) started, \(workflows.completed) completed, "
                + "\(workflows.failed) failed, \(workflows.timedOut) timed out",
            "duration   mean \(Self.summary(workflows.duration))",
            "work       \(work.finished) done, \(work.failed) failed, \(work.abandoned) given up, "
                + "\(work.waiting) waiting; queue mean \(Self.summary(work.queueTime))",
            "overhead   mean \(Self.summary(metrics.overhead?.duration)), share "
                + Self.percent(metrics.overhead?.share),
            "latency    mean \(Self.summary(metrics.communicationLatency))",
            "consensus  \(metrics.consensus?.decided ?? 0) decided, "
                + "\(metrics.consensus?.undecided ?? 0) not; accuracy "
                + Self.percent(metrics.consensus?.accuracy),
            "recovery   work \(Self.mean(metrics.recovery?.work)), agents "
                + "\(Self.mean(metrics.recovery?.agents)), breakers "
                + Self.mean(metrics.recovery?.breakers),
            "breakers   \(metrics.breakers?.open ?? 0) of \(metrics.breakers?.total ?? 0) open; "
                + "\(metrics.breakers?.degradedNamespaces ?? 0) namespaces degraded, "
                + "\(metrics.breakers?.emergencyNamespaces ?? 0) in emergency",
            "store      \(metrics.store?.commits ?? 0) commits of "
                + "\(metrics.store?.commands ?? 0) commands; mean "
                + Self.summary(metrics.store?.duration),
        ]
    }

    private func add(_ type: AgentTypeMetrics, to table: inout TextTable) {
        let hasWork = type.finished > 0
        table.add(
            type.agentType,
            type.heldInstances > 0
                ? "\(type.instances) (\(type.heldInstances) held)" : "\(type.instances)",
            "\(type.slotsTaken)/\(type.slots)", Self.percent(type.utilization), "\(type.waiting)",
            "\(type.finished)", "\(type.failed)",
            hasWork ? Self.time(micros: type.meanQueueMicros) : "-",
            hasWork ? Self.time(micros: type.meanExecutionMicros) : "-",
            hasWork ? Self.time(micros: type.meanOverheadMicros) : "-")
    }

    // MARK: Words

    static func mean(_ summary: DurationSummary?) -> String {
        summary.map { time(micros: $0.meanMicros) } ?? "-"
    }

    static func summary(_ summary: DurationSummary?) -> String {
        guard let summary else { return "-" }
        return time(micros: summary.meanMicros) + ", p50 " + time(micros: summary.p50Micros)
            + ", p95 " + time(micros: summary.p95Micros) + ", p99 "
            + time(micros: summary.p99Micros)
    }

    static func percent(_ measure: Measure?) -> String {
        measure.map { number($0.value * 100) + " %" } ?? "-"
    }

    /// A duration with the unit that fits.
    static func time(micros: Int64) -> String {
        switch micros {
        case ..<1_000: "\(micros) us"
        case ..<1_000_000: number(Double(micros) / 1e3) + " ms"
        default: number(Double(micros) / 1e6) + " s"
        }
    }

    /// Three digits where that is enough.
    static func number(_ value: Double) -> String {
        let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
        let scale = [1.0, 10, 100][digits]
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(clamping: rounded))" : "\(rounded)"
    }
}

extension Int {
    /// The nearest there is; 0 for what is no number.
    fileprivate init(clamping value: Double) {
        self = value.isNaN ? 0 : Int(Swift.min(Swift.max(value, -9e18), 9e18))
    }
}
