import Foundation
import JSON
import Messages
import Stubs
import Testing

/// The main job end to end: recorded lists in, listings out, through the real binary and gRPC.
@Suite(.enabled(if: RecordedData.isThere, "recorded market data is not there"))
struct DiscoveryTests {
    private func discover(
        _ file: String, now: String
    ) async throws -> (JSONDocument, JSONView) {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(
            directory, ["--market", "replay:\(try RecordedData.file(file))", "--now", now])
        let ended = try await server.cadre(
            "workflow", "run", "calendar-discovery", "--wait", "-o", "json")
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(await server.terminate() == 0)
        let document = try JSONDocument(parsing: Array(ended.output.utf8))
        return (document, try #require(document.root["result"]))
    }

    private func states(_ result: JSONView) -> [String: Int] {
        var counts: [String: Int] = [:]
        for listing in result["listings"]?.elements.map({ $0 }) ?? [] {
            counts[listing["state"]?.string ?? "none", default: 0] += 1
        }
        return counts
    }

    @Test func `the list of 29 June 2025 gives 11 upcoming listings with hours of notice`()
        async throws
    {
        let (_, result) = try await discover(
            "web-symbols-usdt.2025-06-29.json", now: "2025-06-29T15:00:00Z")
        #expect(result["totals"]?["entries"]?.int64 == 2_862)
        #expect(result["totals"]?["ready_triples"]?.int64 == 16)
        #expect(result["totals"]?["upcoming"]?.int64 == 11)
        #expect(result["totals"]?["stale"]?.int64 == 5)
        #expect(result["totals"]?["overdue"]?.int64 == 0)
        let upcoming = (result["listings"]?.elements.map { $0 } ?? [])
            .filter { $0["state"]?.string == "upcoming" }
        #expect(upcoming.count == 11)
        for listing in upcoming {
            #expect((listing["notice_hours"]?.double ?? 0) > 3.5)
            #expect(listing["open_time"]?.string?.hasPrefix("2025-0") == true)
            #expect(listing["vcoin_id"]?.string?.utf8.count == 32)
            for name in ["symbol", "name", "urgency", "confidence"] {
                #expect(listing[name] != nil)
            }
        }
        let listed = result["listings"]?.count ?? 0
        #expect(listed == 16, "no pre-open entry is dropped")
    }

    @Test func `the list of 2 July 2025 gives 5 upcoming, the rest stale or overdue`() async throws
    {
        let (_, result) = try await discover(
            "web-symbols-usdt.2025-07-02.json", now: "2025-07-02T15:00:00Z")
        let totals = try #require(result["totals"])
        #expect(totals["entries"]?.int64 == 2_890)
        #expect(totals["ready_triples"]?.int64 == 11)
        #expect(totals["upcoming"]?.int64 == 5)
        #expect((totals["stale"]?.int64 ?? 0) + (totals["overdue"]?.int64 ?? 0) == 6)
        #expect(totals["overdue"]?.int64 == 1)
    }

    @Test func `the older list of 2024 works by sts and says what is unknown`() async throws {
        let (_, result) = try await discover(
            "web-symbols-usdt.2024-04-22.json", now: "2024-04-22T13:00:00Z")
        #expect(result["totals"]?["entries"]?.int64 == 2_631)
        let listings = result["listings"]?.elements.map { $0 } ?? []
        #expect(listings.count == 15)
        for listing in listings {
            let unknown = listing["unknown_fields"]?.elements.compactMap(\.string) ?? []
            #expect(unknown.contains("st") && unknown.contains("tt"))
        }
    }

    /// The whole list as the market's agent gives it, asked through gRPC.
    private func snapshot(_ file: String, now: String) async throws -> String {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(
            directory, ["--market", "replay:\(try RecordedData.file(file))", "--now", now])
        let payload = try await server.invoke("mexc-api", "symbols", #"{"all": true}"#)
        #expect(await server.terminate() == 0)
        return payload
    }

    @Test func `from one list to the next ten listings went live`() async throws {
        let before = try await snapshot(
            "web-symbols-usdt.2025-06-29.json", now: "2025-06-29T15:00:00Z")
        let after = try await snapshot(
            "web-symbols-usdt.2025-07-02.json", now: "2025-07-02T15:00:00Z")
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory)
        let report = try await server.invoke(
            "pattern-discovery", "transitions",
            #"{"previous": \#(before), "current": \#(after)}"#)
        #expect(await server.terminate() == 0)
        let root = try JSONDocument(parsing: Array(report.utf8)).root
        #expect(root["went_live"]?.count == 10)
    }

    @Test func `a typed client sees the run, its steps and its history`() async throws {
        let directory = try TemporaryDirectory()
        let file = try RecordedData.file("web-symbols-usdt.2025-06-29.json")
        let server = try await RunningServer.start(
            directory, ["--market", "replay:\(file)", "--now", "2025-06-29T15:00:00Z"])
        try await server.withClient { client in
            let workflows = WorkflowServiceClient(client: client)
            var request = ExecuteRunRequest()
            request.start = StartRunRequest(workflow: "calendar-discovery")
            let ended = try await workflows.executeRun(request)
            let run = try #require(ended.run)
            #expect(run.status == .completed)
            #expect(run.steps.map(\.id) == ["fetch", "listings", "patterns", "synthesis"])
            #expect(run.steps.allSatisfy { $0.state == .completed && $0.attempts == 1 })
            var history = GetHistoryRequest()
            history.run = RunReference(by: .runID(run.runID))
            let events = try await workflows.getHistory(history).events
            #expect(events.map(\.sequence) == Array(1...Int64(events.count)))
            #expect(events.last?.type == .runCompleted)
        }
        #expect(await server.terminate() == 0)
    }
}

extension RunningServer {
    /// The JSON that an operation returns.
    fileprivate func invoke(
        _ agentType: String, _ operation: String, _ input: String
    ) async throws -> String {
        try await withClient { client in
            let response = try await AgentServiceClient(client: client).invoke(
                InvokeRequest(
                    agentType: agentType, operation: operation,
                    payload: Payload(data: Array(input.utf8))))
            guard case .payload(let payload) = response.outcome else {
                throw StartFailure(text: "\(String(describing: response.outcome))")
            }
            return String(decoding: payload.data, as: UTF8.self)
        }
    }
}
