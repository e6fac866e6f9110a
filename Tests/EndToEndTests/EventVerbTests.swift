import Foundation
import JSON
import Testing

/// The event verbs against a real server, and what is left after a kill.
struct EventVerbTests {
    private func json(_ ended: CadreBinary.Ended) throws -> JSONView {
        #expect(ended.status == 0, "\(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    @Test func `events are published, told, subscribed to and survive a kill`() async throws {
        let directory = try TemporaryDirectory()
        var server = try await RunningServer.start(directory, ["--with-echo"])
        let routes = try json(try await server.cadre("event", "subscriptions", "-o", "json"))
        let names = routes["subscriptions"]?.elements.compactMap { $0["name"]?.string } ?? []
        #expect(
            names == [
                "route/pattern.detected", "route/risk.threshold.exceeded",
                "route/symbol.status.changed",
            ])
        _ = try await server.cadre("event", "put-subscription", "all", "--pattern", "orders.>")
        _ = try await server.cadre(
            "event", "put-subscription", "said", "--pattern", "orders.*", "--agent", "echo/say")
        for number in 1...3 {
            let published = try json(
                try await server.cadre(
                    "event", "publish", "orders.made", "{\"n\":\(number)}", "--key", "k", "-o",
                    "json"))
            #expect(published["sequence"]?.int64 == Int64(number))
        }
        let read = try await server.cadre("event", "subscribe", "all", "--count", "2")
        #expect(read.output.contains("{\"n\":2}") && !read.output.contains("{\"n\":3}"))
        server.kill()

        server = try await RunningServer.start(directory, ["--with-echo"])
        let rest = try await server.cadre("event", "subscribe", "all", "--count", "1")
        #expect(rest.output.contains("{\"n\":3}"), "\(rest.output) \(rest.errors)")
        let told = try await server.cadre(
            "event", "tail", "orders.made", "--from", "2", "--count", "2", "-o", "json")
        #expect(told.output.split(separator: "\n").count == 2)
        let history = try json(try await server.cadre("event", "history", "orders.>", "-o", "json"))
        #expect(history["publications"]?.count == 3)
        let topics = try json(try await server.cadre("event", "topics", "-o", "json"))
        #expect(topics["topics"]?[0]?["held"]?.int64 == 3)
        let deleted = try await server.cadre("event", "delete-topic", "orders.made")
        #expect(deleted.status == 0)
        #expect(await server.terminate() == 0)
    }

    @Test(.timeLimit(.minutes(2))) func `a dead letter is given up, and a program is told so`()
        async throws
    {
        let server = try await RunningServer.start(try TemporaryDirectory(), ["--with-echo"])
        _ = try await server.cadre(
            "event", "put-subscription", "each", "--pattern", "orders.*", "--agent",
            "echo/say_each", "--attempts", "1")
        _ = try await server.cadre("event", "publish", "orders.made", "{}")
        var letters = 0
        while letters == 0 {
            let listed = try json(try await server.cadre("event", "dead-letters", "-o", "json"))
            letters = listed["dead_letters"]?.count ?? 0
        }
        let given = try json(
            try await server.cadre("event", "requeue", "each", "1", "--discard", "-o", "json"))
        #expect(given["sequence"]?.int64 == 1 && given["discarded"]?.bool == true)
        #expect(await server.terminate() == 0)
    }
}
