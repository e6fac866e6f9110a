import Foundation
import JSON
import Testing

/// The client verbs against a real server: what scripts rely on.
struct ClientVerbTests {
    private func withServer(
        _ arguments: [String] = [], _ body: (RunningServer) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo"] + arguments)
        do {
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

    @Test func `the simulator gives a discovery with listings`() async throws {
        try await withServer { server in
            let run = try json(
                try await server.cadre(
                    "workflow", "run", "calendar-discovery", "--wait", "-o", "json"))
            #expect(run["status"]?.string == "completed")
            #expect((run["result"]?["totals"]?["entries"]?.int64 ?? 0) > 1_000)
            #expect((run["result"]?["listings"]?.count ?? 0) > 0)
            let id = try #require(run["run_id"]?.string)
            let history = try json(
                try await server.cadre("workflow", "history", id, "-o", "json"))
            let types = history["events"]?.elements.compactMap { $0["type"]?.string } ?? []
            #expect(types.first == "run_started" && types.last == "run_completed")
            let list = try json(try await server.cadre("workflow", "list", "-o", "json"))
            #expect(list["runs"]?[0]?["run_id"]?.string == id)
            let shown = try json(try await server.cadre("workflow", "show", id, "-o", "json"))
            #expect(shown["steps"]?.count == 4)
        }
    }

    @Test func `schedules start runs, lists and counts take filters`() async throws {
        try await withServer { server in
            let put = try json(
                try await server.cadre(
                    "schedule", "put", "often", "--workflow", "calendar-discovery", "--every", "1",
                    "--cron", "0 3 * * MON", "--overlap", "allow_all", "-o", "json"))
            #expect(put["next_unix_millis"]?.count == 5)
            _ = try await server.cadre("schedule", "pause", "often", "--reason", "test")
            let listed = try json(try await server.cadre("schedule", "list", "-o", "json"))
            #expect(listed["schedules"]?[0]?["paused"]?.bool == true)
            let triggered = try json(
                try await server.cadre("schedule", "trigger", "often", "-o", "json"))
            let id = try #require(triggered["workflow_id"]?.string)
            #expect(id.hasPrefix("often-trigger-"))
            _ = try await server.cadre("schedule", "resume", "often")
            let found = try json(
                try await server.cadre(
                    "workflow", "list", "--filter", "id = '\(id)'", "-o", "json"))
            #expect(found["runs"]?.count == 1)
            let counts = try json(
                try await server.cadre(
                    "workflow", "count", "--filter", "id STARTS_WITH 'often-trigger-'", "-o",
                    "json"))
            #expect(counts["complete"]?.bool == true && counts["counts"]?.count == 1)
            let deleted = try await server.cadre("schedule", "delete", "often")
            #expect(deleted.status == 0)
            let bad = try await server.cadre("workflow", "list", "--filter", "status = 'odd'")
            #expect(bad.status == 1 && bad.errors.contains("is no status"))
        }
    }

    @Test func `top shows what was done, monitor reports on it`() async throws {
        try await withServer { server in
            let call = try await server.cadre("agent", "invoke", "echo", "say", "--input", "{}")
            #expect(call.status == 0, "\(call.errors)")
            _ = try await server.cadre("workflow", "run", "calendar-discovery", "--wait")
            let top = try json(try await server.cadre("top", "-o", "json"))
            #expect(top["workflows"]?["total"]?.int64 == 1)
            #expect(top["workflows"]?["completed"]?.int64 == 1)
            #expect((top["workflows"]?["duration"]?["mean_micros"]?.int64 ?? 0) > 0)
            #expect(top["consensus"]?["accuracy"] == nil)
            let echo = top["agent_types"]?.elements.first { $0["agent_type"]?.string == "echo" }
            #expect(echo?["finished"]?.int64 == 1)
            let services = top["services"]?.elements.compactMap { $0["service"]?.string } ?? []
            #expect(services.contains("cadre.v1.MonitorService"))
            let lines = try await server.cadre("top", "--interval", "0.2", "--count", "2")
            #expect(lines.status == 0, "\(lines.errors)")
            #expect(lines.output.split(separator: "\n").count == 2)
            #expect(lines.output.contains(" completed=1 "))
            let report = try json(try await server.cadre("monitor", "report", "-o", "json"))
            #expect(report["health"]?["parts"]?.count == 7)
            let text = try await server.cadre("monitor", "report")
            #expect(text.output.hasPrefix("health "))
            let past = try json(
                try await server.cadre("monitor", "history", "--last", "60", "-o", "json"))
            #expect((past["points"]?.count ?? 0) > 0)
            let bad = try await server.cadre("top", "--interval", "0.1")
            #expect(bad.status == 64)
        }
    }

    @Test func `agents are listed, called and asked for their health`() async throws {
        try await withServer { server in
            let agents = try json(try await server.cadre("agent", "list", "-o", "json"))
            let types = agents["agents"]?.elements.compactMap { $0["type"]?.string } ?? []
            #expect(types == ["calendar", "echo", "mexc-api", "pattern-discovery"])
            let answer = try json(
                try await server.cadre(
                    "agent", "invoke", "echo", "say", "--input", #"{"a":[1]}"#, "-o", "json"))
            #expect(answer["payload"]?["a"]?[0]?.int64 == 1)
            let health = try json(try await server.cadre("agent", "health", "-o", "json"))
            #expect(health["state"]?.string == "healthy")
            #expect(health["agents"]?.count == 4)
        }
    }

    @Test func `a type without agents is not healthy`() async throws {
        try await withServer { server in
            #expect(try await server.cadre("agent", "health", "--type", "echo").status == 0)
            let none = try await server.cadre("agent", "health", "--type", "nope")
            #expect(none.status == 1 && none.errors.contains("no agent of type nope"))
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a pool that rests without an instance is healthy`()
        async throws
    {
        try await withServer(["--pools", "echo=0..2,idle=1"]) { server in
            // The one it begins with goes when it has been idle.
            var agents = 1
            while agents > 0 {
                let listed = try json(
                    try await server.cadre("agent", "list", "--type", "echo", "-o", "json"))
                #expect(listed["pools"]?.count == 1)
                agents = try #require(listed["agents"]?.count)
            }
            let resting = try await server.cadre("agent", "health", "--type", "echo")
            #expect(resting.status == 0, "\(resting.errors)")
        }
    }

    @Test func `every verb reads a value from a file, and says when it is no JSON`() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path("value.json")
        try Data(#"{"a":1}"#.utf8).write(to: URL(fileURLWithPath: file))
        try await withServer { server in
            _ = try await server.cadre("memory", "put", "k", "@\(file)")
            let entry = try json(try await server.cadre("memory", "get", "k", "-o", "json"))
            #expect(entry["value"]?["a"]?.int64 == 1)
            _ = try await server.cadre("memory", "put", "t", "plain")
            let text = try json(try await server.cadre("memory", "get", "t", "-o", "json"))
            #expect(text["value"]?["content_type"]?.string == "text/plain")
            _ = try await server.cadre("cache", "set", "c", "@\(file)")
            #expect(try await server.cadre("cache", "get", "c").output == "{\"a\":1}\n")
            let ballot = try await server.cadre(
                "ballot", "decide", "say", "--voter", "echo", "--input", "@\(file)", "-o", "json")
            #expect(ballot.status == 0, "\(ballot.errors)")
            let typed = try await server.cadre(
                "event", "publish", "a.b", "plain", "--type", "text/plain")
            #expect(typed.status == 0, "\(typed.errors)")
        }
    }

    @Test func `a name that is taken may stand for the run that has it`() async throws {
        try await withServer { server in
            let directory = try TemporaryDirectory()
            let text = #"{name: patience, version: "1", steps: [{id: rest, wait: {signal: s}}]}"#
            let file = directory.path("d.yaml")
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            _ = try await server.cadre("workflow", "put", file)
            let start = ["workflow", "run", "patience", "--id", "dup", "-o", "json"]
            let to = ["--server", server.address]
            let first = try json(try await CadreBinary.run(start + to))
            let taken = try await CadreBinary.run(start + to)
            #expect(taken.status == 1 && taken.errors.contains("use_existing"))
            let again = try json(
                try await CadreBinary.run(start + ["--conflict", "use_existing"] + to))
            #expect(again["existing"]?.bool == true)
            #expect(again["run_id"]?.string == first["run_id"]?.string)
        }
    }

    @Test(arguments: [
        (["workflow", "run", "nope"], "calendar-discovery"),
        (["workflow", "run", "calendar-discovery", "--input", "{bad"], "line 1"),
        (["workflow", "show", "0000000000000001"], "0000000000000001"),
        (["workflow", "show", "no-such-name"], "no-such-name"),
        (["agent", "invoke", "nope", "say"], "nope"),
        (["agent", "invoke", "echo", "nope"], "say"),
        (["agent", "invoke", "", "say"], "agent_type"),
    ])
    func `a wrong request ends with 1 and says what to do`(arguments: [String], hint: String)
        async throws
    {
        try await withServer { server in
            let ended = try await CadreBinary.run(arguments + ["--server", server.address])
            #expect(ended.status == 1)
            #expect(
                ended.errors.hasPrefix("cadre: ") && ended.errors.contains(hint), "\(ended.errors)")
            #expect(ended.output.isEmpty)
        }
    }

    @Test func `a definition from a file stays over a restart, also under a built-in name`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let file = directory.url.appendingPathComponent("mine.yaml")
        let text = """
            name: calendar-discovery
            version: "77"
            steps: [{id: tell, agent_type: echo, operation: say}]
            """
        try Data(text.utf8).write(to: file)
        let first = try await RunningServer.start(directory, ["--with-echo"])
        #expect(try await first.cadre("workflow", "put", file.path).status == 0)
        #expect(await first.terminate() == 0)
        let second = try await RunningServer.start(directory, ["--with-echo"])
        let listed = try json(try await second.cadre("workflow", "definitions", "-o", "json"))
        #expect(listed["definitions"]?[0]?["version"]?.string == "77")
        #expect(await second.terminate() == 0)
    }

    @Test func `a refused definition's faults are named by their places in the file`() async throws
    {
        let directory = try TemporaryDirectory()
        let file = directory.url.appendingPathComponent("faulty.yaml")
        let text = """
            name: faulty
            version: "1"
            steps:
              - {id: a, agent_type: echo, operation: say, input: "${steps.b.output}",
                 start_to_close_millis: -1}
            """
        try Data(text.utf8).write(to: file)
        try await withServer { server in
            let ended = try await server.cadre("workflow", "put", file.path)
            #expect(ended.status == 1)
            for place in ["steps[0].start_to_close_millis is -1", "steps[0].input refers to"] {
                #expect(ended.errors.contains("\n  \(place)"), "\(ended.errors)")
            }
        }
    }

    @Test func `a watch in JSON is one value a line, the end last`() async throws {
        try await withServer { server in
            let run = try json(
                try await server.cadre(
                    "workflow", "run", "calendar-discovery", "--wait", "-o", "json"))
            let id = try #require(run["run_id"]?.string)
            let watch = try await server.cadre("workflow", "watch", id, "-o", "json")
            let lines = watch.output.split(separator: "\n")
            let values = try lines.map { try JSONDocument(parsing: Array($0.utf8)).root }
            #expect(values.first?["type"]?.string == "run_started")
            #expect(values.last?["status"]?.string == "completed")
        }
    }

    @Test func `a server that cannot be reached ends with 69`() async throws {
        let ended = try await CadreBinary.run(["agent", "list", "--server", "127.0.0.1:1"])
        #expect(ended.status == EX_UNAVAILABLE)
        #expect(ended.errors.contains("127.0.0.1:1"))
    }

    @Test func `an exchange that cannot be asked fails the run, it is no empty list`() async throws
    {
        try await withServer(["--market", "http://127.0.0.1:1"]) { server in
            let ended = try await server.cadre(
                "workflow", "run", "calendar-discovery", "--wait", "-o", "json")
            #expect(ended.status == 1)
            let run = try JSONDocument(parsing: Array(ended.output.utf8)).root
            #expect(run["status"]?.string == "failed")
            #expect(run["failure"]?["type"]?.string == "exchange_unreachable")
            #expect(run["result"].map(\.kind) == nil)
        }
    }

    @Test func `wrong usage ends with 64`() async throws {
        #expect(try await CadreBinary.run(["workflow", "run"]).status == EX_USAGE)
        #expect(try await CadreBinary.run(["agent", "list", "--server", "x"]).status == EX_USAGE)
    }

    @Test func `the demo runs offline, shows progress and a table, and ends with 0`() async throws {
        let ended = try await CadreBinary.run(["demo"])
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.output.contains("step_completed  synthesis"))
        #expect(ended.output.contains("SYMBOL"))
        #expect(ended.output.contains("ready triples"))
    }
}
