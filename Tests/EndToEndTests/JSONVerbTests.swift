import Foundation
import JSON
import Testing

/// `-o json` is JSON, whatever the verb; and what a client is told when it waits in vain.
@Suite(.timeLimit(.minutes(2))) struct JSONVerbTests {
    private func withServer(_ body: (RunningServer) async throws -> Void) async throws {
        let server = try await RunningServer.start(try TemporaryDirectory(), ["--with-echo"])
        do { try await body(server) } catch {
            server.kill()
            throw error
        }
        #expect(await server.terminate() == 0)
    }

    private func json(_ server: RunningServer, _ arguments: [String]) async throws -> JSONView {
        let ended = try await CadreBinary.run(
            arguments + ["-o", "json", "--server", server.address])
        #expect(ended.status == 0, "\(arguments): \(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    @Test func `what is deleted is named in JSON`() async throws {
        try await withServer { server in
            for (put, delete, name) in [
                (["breaker", "put", "e", "--failures", "3"], ["breaker", "delete"], "e"),
                (
                    ["event", "put-subscription", "s1", "--pattern", "a"],
                    ["event", "delete-subscription"], "s1"
                ),
                (
                    [
                        "schedule", "put", "often", "--workflow", "calendar-discovery", "--every",
                        "9",
                    ],
                    ["schedule", "delete"], "often"
                ),
                (
                    ["batch", "configure", "b", "echo", "--agent-operation", "say_each"],
                    ["batch", "delete"], "b"
                ),
            ] {
                _ = try await json(server, put)
                #expect(try await json(server, delete + [name])["deleted"]?.string == name)
            }
        }
    }

    @Test func `a token goes from a lock to a write as it is`() async throws {
        try await withServer { server in
            let grant = try await json(server, ["lock", "acquire", "l", "--owner", "o"])
            let token = try #require(grant["holds"]?[0]?["fencing_token"]?.string)
            // Beyond what a double holds exactly, so that as a number it would come out rounded.
            let number = try #require(UInt64(token))
            #expect(number > 1 << 53)
            let put = ["memory", "put", "k", "1", "--lock", "l", "--token", token]
            #expect(try await json(server, put)["revision"]?.int64 != nil)
            let locks = try await json(server, ["lock", "list"])
            #expect(locks["locks"]?[0]?["holders"]?[0]?["fencing_token"]?.string == token)
            let run = try await json(server, ["workflow", "run", "calendar-discovery", "--wait"])
            let id = try #require(run["run_id"]?.string)
            let history = try await json(server, ["workflow", "history", id])
            let tokens = history["events"]?.elements.compactMap { $0["token"] } ?? []
            #expect(!tokens.isEmpty && tokens.allSatisfy { $0.string != nil })
        }
    }

    @Test func `info says numbers and flags as such`() async throws {
        try await withServer { server in
            let info = try await json(server, ["info"])
            for name in [
                "epoch", "open_runs", "agents", "store_bytes", "log_bytes", "retention_millis",
                "pruned_runs", "request_ids", "request_ids_forgotten_early",
            ] {
                #expect(info[name]?.int64 != nil, "\(name)")
            }
            #expect(info["draining"]?.bool == false && info["last_backup"]?.string == "never")
        }
    }

    @Test func `a list goes on where the one before ended`() async throws {
        try await withServer { server in
            for id in ["a", "b", "c"] {
                _ = try await json(
                    server, ["workflow", "run", "calendar-discovery", "--wait", "--id", id])
            }
            var seen: [String] = []
            var after = ""
            repeat {
                let page = try await json(
                    server, ["workflow", "list", "--limit", "2", "--after", after])
                let ids = page["runs"]?.elements.compactMap { $0["workflow_id"]?.string } ?? []
                #expect(!ids.isEmpty && ids.count <= 2)
                seen += ids
                after = page["next_page_token"]?.string ?? ""
            } while !after.isEmpty
            #expect(seen == ["c", "b", "a"])
            let table = try await server.cadre("workflow", "list", "--limit", "2")
            #expect(table.output.contains("there are more: --after "))
        }
    }

    @Test func `a workflow id that looks like a run id is found all the same`() async throws {
        try await withServer { server in
            let name = "00000000000000ab"
            let run = try await json(
                server, ["workflow", "run", "calendar-discovery", "--wait", "--id", name])
            let id = try #require(run["run_id"]?.string)
            for verb in ["show", "history", "explain", "graph"] {
                _ = try await json(server, ["workflow", verb, name])
                _ = try await json(server, ["workflow", verb, id])
            }
            let watch = try await server.cadre("workflow", "watch", name)
            #expect(watch.status == 0 && watch.output.contains("run_completed"))
            let absent = try await server.cadre("workflow", "pause", "00000000000000ac")
            #expect(absent.status == 1 && absent.errors.contains("00000000000000ac"))
        }
    }

    @Test func `a run that is waited for in vain is named, with what to do`() async throws {
        try await withServer { server in
            let file = try TemporaryDirectory()
            let definition = """
                name: patience
                version: "1"
                steps: [{id: rest, wait: {signal: never}}]
                """
            try Data(definition.utf8).write(to: URL(fileURLWithPath: file.path("d.yaml")))
            _ = try await json(server, ["workflow", "put", file.path("d.yaml")])
            let late = try await server.cadre(
                "workflow", "run", "patience", "--wait", "--timeout", "3")
            let open = try await json(server, ["workflow", "list", "--open"])
            let run = try #require(open["runs"]?[0]?["run_id"]?.string)
            #expect(late.status == 1 && late.errors.contains("DEADLINE_EXCEEDED"))
            #expect(
                late.errors.contains("run \(run) goes on; see `cadre workflow watch \(run)`"),
                "\(late.errors)")
        }
    }

    @Test func `a wait whose server is killed says which run it was`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory)
        let definition = directory.path("d.yaml")
        let text = #"{name: patience, version: "1", steps: [{id: rest, wait: {signal: never}}]}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: definition))
        _ = try await json(server, ["workflow", "put", definition])
        let waiting = try CadreBinary.Command([
            "workflow", "run", "patience", "--wait", "--server", server.address,
        ])
        try waiting.start()
        var run: String?
        while run == nil {
            let list = try await json(server, ["workflow", "list", "--open"])
            run = list["runs"]?[0]?["run_id"]?.string
        }
        server.kill()
        let ended = await waiting.ended()
        _ = await server.command.ended()
        #expect(ended.status == EX_UNAVAILABLE)
        #expect(ended.errors.contains("run \(run ?? "") goes on"), "\(ended.errors)")
    }

    @Test func `options out of range are refused at the start, by name`() async throws {
        try await withServer { server in
            for (input, name) in [
                (#"{"min_confidence":101}"#, "min_confidence"),
                (#"{"min_confidence":-1}"#, "min_confidence"),
                (#"{"min_notice_hours":720.1}"#, "min_notice_hours"),
            ] {
                let refused = try await server.cadre(
                    "workflow", "run", "calendar-discovery", "--wait", "--input", input)
                #expect(refused.status == 1 && refused.errors.contains("INVALID_ARGUMENT"))
                #expect(refused.errors.contains(name), "\(refused.errors)")
            }
            let list = try await json(server, ["workflow", "list"])
            #expect(list["runs"]?.count == 0)
        }
    }
}
