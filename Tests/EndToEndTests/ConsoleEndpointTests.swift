import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// What Prometheus and Kubernetes see.
struct ConsoleEndpointTests {
    private func get(_ server: RunningServer, _ path: String, accept: String = "*/*")
        async throws -> (status: UInt, type: String, body: String)
    {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.consolePort)\(path)")
        request.headers.add(name: "accept", value: accept)
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = String(buffer: try await response.body.collect(upTo: 4 << 20))
        return (response.status.code, response.headers.first(name: "content-type") ?? "", body)
    }

    @Test func `metrics tell of calls, workflows, agents and commits in both formats`() async throws
    {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory)
        #expect(
            try await server.cadre("workflow", "run", "calendar-discovery", "--wait").status == 0)
        let text = try await get(server, "/metrics", accept: "text/plain")
        #expect(text.status == 200)
        for series in [
            #"cadre_rpc_ended_total{method="cadre.v1.WorkflowService/AwaitRun",code="OK"} 1"#,
            #"cadre_workflow_closed_total{workflow="calendar-discovery",status="completed"} 1"#,
            #"cadre_workflow_active{workflow="calendar-discovery"} 0"#,
            #"cadre_workflow_duration_seconds_count{workflow="calendar-discovery"} 1"#,
            #"cadre_agent_busy_seconds_total{agent_type="mexc-api"}"#,
            "cadre_store_commit_duration_seconds_count",
            "cadre_store_commit_rows_bucket", "\ncadre_store_disk_free_bytes ",
        ] {
            #expect(text.body.contains(series), "no \(series)")
        }
        let open = try await get(
            server, "/metrics", accept: "application/openmetrics-text; version=1.0.0")
        #expect(open.type.hasPrefix("application/openmetrics-text"))
        #expect(open.body.hasSuffix("# EOF\n"))
        #expect(await server.terminate() == 0)
    }

    @Test func `health and readiness answer, unknown paths do not`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory)
        #expect(try await get(server, "/healthz").status == 200)
        #expect(try await get(server, "/readyz").status == 200)
        #expect(try await get(server, "/nope").status == 404)
        #expect(await server.terminate() == 0)
    }
}
