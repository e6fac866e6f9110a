import Foundation
import JSON
import Testing

/// The four coordination patterns as definition files, put and run with the client verbs.
struct PatternTests {
    private static let files = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/cadre/Patterns")

    private func withPatterns(_ body: (RunningServer) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo"])
        do {
            for name in ["sequential", "parallel", "pipeline", "event-driven", "event-source"] {
                let file = Self.files.appending(path: "\(name).yaml").path
                let put = try await server.cadre("workflow", "put", file)
                #expect(put.status == 0, "\(name): \(put.errors)")
            }
            try await body(server)
        } catch {
            server.kill()
            throw error
        }
        #expect(await server.terminate() == 0)
    }

    private func json(_ ended: CadreBinary.Ended) throws -> JSONView {
        #expect(ended.status == 0, "\(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    private func run(
        _ server: RunningServer, _ name: String, _ input: String
    ) async throws -> JSONView {
        try json(
            try await server.cadre(
                "workflow", "run", name, "--input", input, "--wait", "-o", "json"))
    }

    @Test func `a chain, independent steps and a pipeline come to their results`() async throws {
        try await withPatterns { server in
            let chain = try await run(server, "pattern-sequential", #"{"order":7}"#)
            #expect(chain["result"]?["order"]?.int64 == 7)
            let parallel = try await run(server, "pattern-parallel", "{}")
            #expect(parallel["status"]?.string == "completed")
            let states = parallel["steps"]?.elements.map { $0["state"]?.string ?? "" }
            #expect(states == ["completed", "completed", "failed", "completed"])
            #expect(parallel["result"]?["prices"]?["prices"]?.count == 2)
            #expect(parallel["result"]?["broken"]?.kind == .null)
            let plain = try await run(server, "pattern-pipeline", #"{"rows":[1,2,3]}"#)
            #expect(plain["result"]?["loaded"]?.count == 3)
            #expect(plain["result"]?["loaded"]?[2]?["output"]?.int64 == 3)
            #expect(plain["result"]?["audit"]?.kind == .null, "skipped: there was nothing to audit")
            let audited = try await run(server, "pattern-pipeline", #"{"rows":[1],"audit":true}"#)
            #expect(audited["result"]?["audit"]?["audited"]?.count == 1)
            // What does not fit its contract goes no further.
            let wrong = try await server.cadre(
                "workflow", "run", "pattern-pipeline", "--input", #"{"rows":1}"#, "--wait")
            #expect(wrong.status == 1 && wrong.output.contains("contract_violated"))
            let refused = try await server.cadre("workflow", "run", "pattern-sequential")
            #expect(refused.status == 1 && refused.errors.contains("order"), "\(refused.errors)")
        }
    }

    @Test func `an event starts a run, which a signal feeds`() async throws {
        try await withPatterns { server in
            _ = try await run(server, "pattern-event-source", #"{"order":9}"#)
            let list = try json(
                try await server.cadre(
                    "workflow", "list", "--workflow", "pattern-event-driven", "-o", "json"))
            let id = try #require(list["runs"]?[0]?["run_id"]?.string)
            #expect(list["runs"]?[0]?["status"]?.string == "running")
            let signalled = try await server.cadre(
                "workflow", "signal", id, "paid", "--payload", #"{"amount":12}"#)
            #expect(signalled.status == 0, "\(signalled.errors)")
            _ = try await server.cadre("workflow", "watch", id)
            let shown = try json(try await server.cadre("workflow", "show", id, "-o", "json"))
            #expect(shown["result"]?["paid"]?.int64 == 12)
            #expect(shown["result"]?["order"]?.int64 == 9)
        }
    }
}
