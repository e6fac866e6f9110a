import JSON
import Testing

/// The `cache` verbs on the real binary.
struct CacheVerbTests {
    private func json(_ ended: CadreBinary.Ended) throws -> JSONView {
        #expect(ended.status == 0, "\(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    @Test func `what is set is got, until it is invalidated`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo"])
        let set = try json(
            try await server.cadre(
                "cache", "set", "k", #"{"a": 1}"#, "--ttl", "60", "--tag", "t", "-o", "json"))
        #expect(set["tier"]?.string == "shared")
        let got = try json(try await server.cadre("cache", "get", "k", "-o", "json"))
        #expect(got["result"]?.string == "hit")
        #expect(got["value"]?["a"]?.int64 == 1)
        #expect((1...60_000).contains(got["expires_in_millis"]?.int64 ?? 0))

        let dropped = try json(
            try await server.cadre("cache", "invalidate", "--tag", "t", "-o", "json"))
        #expect(dropped["dropped"]?.int64 == 1)
        let missed = try await server.cadre("cache", "get", "k")
        #expect(missed.status == 1)
        #expect(missed.errors.contains("k is not cached"))
        let wrong = try await server.cadre("cache", "invalidate", "k", "--all")
        #expect(wrong.status == 64)

        let stats = try json(try await server.cadre("cache", "stats", "-o", "json"))
        #expect(stats["shared"]?["sets"]?.int64 == 1)
        #expect(stats["misses"]?.int64 == 1)
        #expect(await server.terminate() == 0)
    }

    @Test func `an agent's value is its own`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo"])
        let set = try await server.cadre("cache", "set", "mine", "text", "--agent", "a")
        #expect(set.output.contains("agent tier"), "\(set.errors)")
        #expect(try await server.cadre("cache", "get", "mine").status == 1)
        let own = try await server.cadre("cache", "get", "mine", "--agent", "a")
        #expect(own.output == "text\n")
        #expect(await server.terminate() == 0)
    }
}
