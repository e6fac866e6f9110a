import Foundation
import Testing

/// What the client verbs write, and what becomes of them when nobody takes it.
@Suite(.timeLimit(.minutes(2))) struct OutputTests {
    /// Runs `script` in a shell; `$0` is the binary, `$1` the server.
    private func shell(_ script: String, _ server: RunningServer) async throws -> CadreBinary.Ended
    {
        let command = try CadreBinary.Command([])
        command.process.executableURL = URL(fileURLWithPath: "/bin/sh")
        command.process.arguments = ["-c", script, CadreBinary.url.path, server.address]
        return try await command.run()
    }

    private func withServer(_ body: (RunningServer) async throws -> Void) async throws {
        let server = try await RunningServer.start(try TemporaryDirectory(), ["--with-echo"])
        do { try await body(server) } catch {
            server.kill()
            throw error
        }
        #expect(await server.terminate() == 0)
    }

    @Test func `a verb that streams ends with its reader`() async throws {
        try await withServer { server in
            let script =
                #"{ "$0" top --interval 0.2 --server "$1"; echo "status $?" >&2; } | head -1"#
            let ended = try await shell(script, server)
            #expect(ended.output.contains("active="))
            #expect(ended.errors == "status 141\n", "\(ended.errors)")
        }
    }

    @Test func `output that is lost is no success`() async throws {
        try await withServer { server in
            let ended = try await shell(#""$0" info --server "$1" >/dev/full"#, server)
            #expect(ended.status == EX_IOERR)
            #expect(ended.errors.contains("standard output cannot be written"), "\(ended.errors)")
            #expect(ended.errors.contains("No space left"), "\(ended.errors)")
        }
    }

    @Test func `agents are watched through a pipe, a JSON value a line`() async throws {
        try await withServer { server in
            for (format, words) in [("table", "echo/1 is there"), ("json", #""id":"echo/1""#)] {
                let command = try CadreBinary.Command([
                    "agent", "watch", "--type", "echo", "-o", format, "--server", server.address,
                ])
                try command.start()
                let line = await command.line(containing: words)
                #expect(line != nil, "\(format)")
                command.process.terminate()
                _ = await command.ended()
            }
        }
    }

    @Test func `what others wrote is shown on one line without control characters`() async throws {
        try await withServer { server in
            let value = "\"\u{9b}31m\u{7f}\""
            let put = try await server.cadre("memory", "put", "k", value, "--actor", "x\u{9b}")
            #expect(put.status == 0, "\(put.errors)")
            for verb in [["memory", "list"], ["memory", "history", "k"], ["memory", "get", "k"]] {
                let ended = try await CadreBinary.run(verb + ["--server", server.address])
                #expect(ended.output.contains(#"\x9b31m\x7f"#), "\(verb): \(ended.output)")
                #expect(!ended.output.unicodeScalars.contains("\u{9b}"))
            }
        }
    }

    @Test func `items of a batch are said by the echo agent`() async throws {
        try await withServer { server in
            let configured = try await server.cadre(
                "batch", "configure", "quotes", "echo", "--agent-operation", "say_each",
                "--max-items", "50", "--max-delay", "0.02")
            #expect(configured.status == 0, "\(configured.errors)")
            let item = #"{"symbol": "ABC"}"#
            let submitted = try await server.cadre("batch", "submit", "quotes", item)
            #expect(submitted.output.contains("ABC"), "\(submitted.output) \(submitted.errors)")
        }
    }

    @Test func `wrong durations are wrong usage, and a backup has a name`() async throws {
        try await withServer { server in
            let paused = try await server.cadre("workflow", "pause-key", "k", "--for", "nan")
            #expect(paused.status == EX_USAGE && paused.errors.hasPrefix("cadre: "))
            let backup = try await server.cadre("admin", "backup", "-")
            #expect(backup.status == EX_USAGE && backup.errors.contains("goes to a file"))
        }
    }
}
