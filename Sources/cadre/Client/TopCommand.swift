import ArgumentParser
import Foundation
import GRPC
import JSON
import Messages
import Stubs
import Threads
import UnixSignals

/// A live view of how agents are coordinated.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch how agents are coordinated, live.",
        discussion: """
            On a terminal it shows as much of the picture as there is room for and renews it until \
            Ctrl-C. Anywhere else it \
            prints a line each interval. -o json prints one snapshot and ends. A dash, or a field \
            that is not there, means that nothing was measured in the window.
            """)

    @Option(help: ArgumentHelp("From one look to the next.", valueName: "seconds"))
    var interval: Double = 2

    @Option(help: ArgumentHelp("How far back the numbers reach.", valueName: "seconds"))
    var window: Double = 60

    @Option(help: "Ends after so many looks; 0: never.")
    var count = 0

    @Option(help: "Agent types on the screen, the busiest first.")
    var rows = 20

    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (0.2...60).contains(interval) else {
            throw ValidationError("--interval must be 0.2 to 60 seconds")
        }
        guard (1...86_400).contains(window) else {
            throw ValidationError("--window must be 1 to 86400 seconds")
        }
        guard count >= 0, rows >= 1 else {
            throw ValidationError("--count must be 0 or more, --rows 1 or more")
        }
    }

    func run() async throws {
        try await reporting {
            try await server.withClient { client in
                let client = MonitorServiceClient(client: client)
                if server.output == .json { return try await snapshot(client) }
                let follower = MetricsFollower(
                    client: client, request: request, options: server.watchOptions, count: count)
                if isatty(STDOUT_FILENO) == 1 { return try await live(follower, rows) }
                try await follower.follow {
                    StandardOutput.line(MetricsText(metrics: $0).line)
                }
            }
        }
    }

    private var request: WatchMetricsRequest {
        WatchMetricsRequest(
            windowMillis: Int64(window * 1_000), intervalMillis: Int64(interval * 1_000))
    }

    private func snapshot(_ client: MonitorServiceClient) async throws {
        let response = try await client.getMetrics(
            GetMetricsRequest(windowMillis: request.windowMillis), options: server.callOptions)
        printJSON { $0.members(of: response.metrics ?? CoordinationMetrics()) }
    }

    /// Draws on the terminal's other screen, so that the first one is as it was in the end.
    private func live(_ follower: MetricsFollower, _ rows: Int) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        StandardOutput.text("\u{1b}[?1049h\u{1b}[?25l")
        defer { StandardOutput.text("\u{1b}[?25h\u{1b}[?1049l") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask {
                try await follower.follow { metrics in
                    let size = TerminalSize.current(of: STDOUT_FILENO)
                    let lines = MetricsText(metrics: metrics).screen(rows: rows, in: size)
                    // Each line erases what stood behind it, the last one all below.
                    StandardOutput.text(
                        "\u{1b}[H" + lines.joined(separator: "\u{1b}[K\n") + "\u{1b}[J")
                }
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }
}

/// Watches the metrics of a server.
private struct MetricsFollower: Sendable {
    let client: MonitorServiceClient
    let request: WatchMetricsRequest
    let options: CallOptions
    /// Looks after which it ends; 0: never.
    let count: Int

    /// Hands over each look.
    func follow(_ show: (CoordinationMetrics) -> Void) async throws {
        var options = options
        // It has no end of its own.
        options.timeout = nil
        var seen = 0
        for try await response in try await client.watchMetrics(request, options: options) {
            show(response.metrics ?? CoordinationMetrics())
            seen += 1
            if count > 0, seen >= count { return }
        }
    }
}
