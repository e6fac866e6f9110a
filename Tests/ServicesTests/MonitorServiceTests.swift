import GRPC
import Messages
import Stubs
import Testing

struct MonitorServiceTests {
    private typealias Client = MonitorServiceClient

    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private func say(_ server: ServerUnderTest, times: Int) async throws {
        let agents = AgentServiceClient(client: server.client)
        for _ in 0..<times {
            var request = InvokeRequest()
            request.agentType = "probe"
            request.operation = "say"
            _ = try await agents.invoke(request)
        }
    }

    @Test func `work shows in the numbers, and what was not measured does not`() async throws {
        try await ServerUnderTest.with { server in
            try await say(server, times: 5)
            let monitor = Client(client: server.client)
            let metrics = try #require(
                try await monitor.getMetrics(GetMetricsRequest()).metrics)
            #expect(metrics.work?.finished == 5 && metrics.work?.failed == 0)
            #expect(metrics.work?.failureShare?.observations == 5)
            #expect(metrics.overhead?.duration?.count == 5)
            #expect(metrics.communicationLatency?.count == 5)
            #expect((metrics.overhead?.share?.value ?? -1) >= 0)
            let type = try #require(metrics.agentTypes.first { $0.agentType == "probe" })
            #expect(type.finished == 5 && type.slots == 1 && type.instances == 1)
            let use = try #require(type.utilization)
            #expect(use.value > 0 && use.value < 1 && use.observations == 10)
            #expect(metrics.workflows?.total == 0 && metrics.workflows?.duration == nil)
            #expect(metrics.workflows?.success == nil)
            #expect(metrics.consensus?.accuracy == nil && metrics.recovery?.work == nil)
            #expect(metrics.services.map(\.service) == ["test"])
            #expect(metrics.services[0].meanSeconds?.value == 0.5)
            let window = try #require(metrics.window)
            #expect(window.startUnixMillis == window.countingSinceUnixMillis)
            #expect(window.endUnixMillis > window.startUnixMillis)
        }
    }

    @Test func `a watcher is told again and again`() async throws {
        try await ServerUnderTest.with { server in
            var request = WatchMetricsRequest()
            request.intervalMillis = 200
            let updates = try await Client(client: server.client).watchMetrics(request)
            var sequences: [Int64] = []
            for try await update in updates {
                #expect(update.metrics?.window != nil)
                sequences.append(update.sequence - update.missed)
                if update.sequence >= 3 { break }
            }
            #expect(sequences.first == 1 && sequences.count >= 2)
        }
    }

    @Test func `the hundred and first watcher is refused, and one that leaves makes room`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let monitor = Client(client: server.client)
            let refused = try await withThrowingTaskGroup(of: GRPCStatus?.self) { group in
                for _ in 0..<101 {
                    group.addTask {
                        await status {
                            var request = WatchMetricsRequest()
                            request.intervalMillis = 60_000
                            for try await _ in try await monitor.watchMetrics(request) {}
                        }
                    }
                }
                let first = try await group.next()
                group.cancelAll()
                return first ?? nil
            }
            #expect(refused?.code == .resourceExhausted)
            #expect(refused?.message.contains("100 callers") == true)
        }
    }

    @Test func `the past is told step by step`() async throws {
        try await ServerUnderTest.with { server in
            try await say(server, times: 3)
            let monitor = Client(client: server.client)
            var request = GetMetricsHistoryRequest()
            request.totalsOnly = true
            let response = try await monitor.getMetricsHistory(request)
            #expect(response.points.reduce(0) { $0 + ($1.work?.finished ?? 0) } == 3)
            #expect(response.points.allSatisfy { $0.agentTypes.isEmpty && $0.services.isEmpty })
            #expect(response.oldestUnixMillis == response.points.first?.window?.startUnixMillis)
            request.startUnixMillis = 1
            request.endUnixMillis = 2
            let gone = await status { _ = try await monitor.getMetricsHistory(request) }
            #expect(gone?.code == .outOfRange)
            // The same instant, told by the clocks as they stand at each answer.
            let told = gone?.message.split(separator: " ").compactMap { Int64($0.prefix(13)) }
            #expect(told?.contains { abs($0 - response.oldestUnixMillis) < 1_000 } == true)
        }
    }

    @Test func `a report has its health, its trends and the same numbers`() async throws {
        try await ServerUnderTest.with { server in
            try await say(server, times: 2)
            let report = try await Client(client: server.client).getReport(GetReportRequest())
            let health = try #require(report.health)
            #expect(
                health.parts.map(\.name) == [
                    "runs", "work", "agents", "mode", "calls", "waiting", "overhead",
                ])
            #expect(health.parts[0].score == nil && health.parts[4].score?.value == 0.75)
            #expect(health.score > 90 && health.score < 100 && health.coverage == 0.7)
            #expect(health.formula.hasPrefix("100 x (20 x 1 (work) + "))
            #expect(report.metrics?.work?.finished == 2)
            #expect(report.trends.contains { $0.series == .activeWorkflows && $0.mean == 0 })
            #expect(report.recommendations.isEmpty)
        }
    }

    @Test func `ballots show in the numbers, and wrong ones in the advice`() async throws {
        try await ServerUnderTest.with { server in
            let ballots = BallotServiceClient(client: server.client)
            for number in 0..<20 {
                var request = DecideRequest()
                request.operation = "say"
                request.payload = Payload(data: Array("1".utf8))
                request.voters = [Voter(name: "v", agentType: "probe")]
                request.rules = BallotRules(series: "s")
                request.requestID = "\(number)"
                let decided = try await ballots.decide(request)
                _ = try await ballots.reportOutcome(
                    ReportOutcomeRequest(
                        series: "s", decision: decided.requestID, outcome: .correct(number == 0)))
            }
            let monitor = Client(client: server.client)
            let metrics = try await monitor.getMetrics(GetMetricsRequest()).metrics
            #expect(metrics?.consensus?.decided == 20 && metrics?.consensus?.undecided == 0)
            #expect(metrics?.consensus?.accuracy?.value == 0.05)
            let past = try await monitor.getMetricsHistory(GetMetricsHistoryRequest())
            #expect(past.points.reduce(0) { $0 + ($1.consensus?.decided ?? 0) } == 20)
            let report = try await monitor.getReport(GetReportRequest())
            #expect(report.recommendations.map(\.reason).contains("CONSENSUS_WRONG"))
            #expect(report.trends.contains { $0.series == .consensusAccuracy })
        }
    }

    @Test func `bad requests are refused with every bad field named`() async throws {
        try await ServerUnderTest.with { server in
            let monitor = Client(client: server.client)
            func expect(_ words: String, _ body: () async throws -> Void) async {
                let status = await status(body)
                #expect(status?.code == .invalidArgument)
                #expect(
                    status?.message.contains(words) == true,
                    "\(words): \(String(describing: status))")
            }
            for millis in [-1, 999, 86_400_001, Int64.max, .min] {
                await expect("window_millis is \(millis)") {
                    _ = try await monitor.getMetrics(GetMetricsRequest(windowMillis: millis))
                }
            }
            await expect("window_millis is 59999") {
                _ = try await monitor.getReport(GetReportRequest(windowMillis: 59_999))
            }
            await expect("window_millis is 1; 1000 to 86400000, 0 for the default (and 1 more)") {
                let request = WatchMetricsRequest(windowMillis: 1, intervalMillis: 199)
                for try await _ in try await monitor.watchMetrics(request) {}
            }
            let stretches: [(GetMetricsHistoryRequest, String)] = [
                (.init(startUnixMillis: -1), "start_unix_millis is -1"),
                (.init(endUnixMillis: -1), "end_unix_millis is -1"),
                (.init(startUnixMillis: 5, endUnixMillis: 5), "not after start_unix_millis"),
                (.init(stepMillis: 999), "step_millis is 999"),
                (.init(startUnixMillis: .max), "which is not before now"),
                (.init(startUnixMillis: 1, stepMillis: 1_000), "more than 1000 steps"),
            ]
            for (request, words) in stretches {
                await expect(words) { _ = try await monitor.getMetricsHistory(request) }
            }
        }
    }
}
