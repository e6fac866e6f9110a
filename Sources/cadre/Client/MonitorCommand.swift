import ArgumentParser
import JSON
import Messages
import Stubs
import Threads

/// Coordination metrics: a report, and how the numbers moved.
struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor",
        abstract: "Report on coordination: health, trends, recommendations; show the past.",
        subcommands: [Report.self, History.self])
}

extension MonitorCommand {
    /// Numbers, health, trends and recommendations.
    struct Report: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how healthy coordination is, where it is heading, and what to do.")

        @Option(help: ArgumentHelp("How far back it looks.", valueName: "seconds"))
        var window: Double = 3_600

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = GetReportRequest()
                request.windowMillis = try Duration.millis(window, "--window")
                try await server.withClient { client in
                    let response = try await MonitorServiceClient(client: client)
                        .getReport(request, options: server.callOptions)
                    if server.output == .json { return printJSON { $0.members(of: response) } }
                    for line in ReportText(report: response).lines { printVisible(line) }
                }
            }
        }
    }

    /// How the numbers moved.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how the numbers moved, step by step.")

        @Option(help: ArgumentHelp("How far back it begins.", valueName: "seconds"))
        var last: Double = 3_600

        @Option(help: ArgumentHelp("The length of a step; 0: a sixtieth.", valueName: "seconds"))
        var step: Double = 0

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let now = SystemClock.wallMillis()
                var request = GetMetricsHistoryRequest()
                request.startUnixMillis = try now - Duration.millis(last, "--last")
                request.stepMillis = try Duration.millis(step, "--step")
                request.totalsOnly = server.output == .table
                try await server.withClient { client in
                    let response = try await MonitorServiceClient(client: client)
                        .getMetricsHistory(request, options: server.callOptions)
                    show(response)
                }
            }
        }

        private func show(_ response: GetMetricsHistoryResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("oldest", Instant.text(response.oldestUnixMillis))
                    $0.member("points", response.points) { writer, point in
                        writer.beginObject()
                        writer.members(of: point)
                        writer.endObject()
                    }
                }
            }
            var table = TextTable(
                "UNTIL", "ACTIVE", "STARTED", "DONE", "FAILED", "DURATION", "WORK", "OVERHEAD",
                "LATENCY", "RECOVERY")
            for point in response.points {
                let workflows = point.workflows ?? WorkflowMetrics()
                table.add(
                    Instant.text(point.window?.endUnixMillis ?? 0), "\(workflows.active)",
                    "\(workflows.started)", "\(workflows.completed)",
                    "\(workflows.failed + workflows.timedOut)",
                    MetricsText.mean(workflows.duration), "\(point.work?.finished ?? 0)",
                    MetricsText.mean(point.overhead?.duration),
                    MetricsText.mean(point.communicationLatency),
                    MetricsText.mean(point.recovery?.work))
            }
            printVisible(table.text)
        }
    }
}
