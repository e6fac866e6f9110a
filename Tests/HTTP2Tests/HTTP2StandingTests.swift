import HTTP2
import Testing

/// Peers that hold the memory of their answers and do not take them.
@Suite struct HTTP2StandingTests {
    /// A server with answers of 3 MB queued on some streams, more than any window lets go.
    private func answers(
        _ count: Int, client: HTTP2Options = .defaults
    ) throws -> (pair: SessionPair, client: [HTTP2Stream], server: [HTTP2Stream]) {
        let pair = try SessionPair(client: client)
        _ = pair.run()
        var asked: [HTTP2Stream] = []
        for _ in 0..<count {
            let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
            pair.client.finishSending(on: stream)
            asked.append(stream)
        }
        let called = pair.run().server.streams
        for stream in called {
            pair.server.respond(on: stream, head: okHead)
            pair.server.send([UInt8](repeating: 7, count: 3_000_000), on: stream)
        }
        return (pair, asked, called)
    }

    private func standing(
        _ pair: SessionPair, _ now: UInt64, least: Int = 1, isFlowing: Bool = true
    ) -> [HTTP2Stream] {
        pair.server.streamsStandingStill(
            now: now, limit: 30, leastBytes: least, isFlowing: isFlowing)
    }

    private func credit(_ pair: SessionPair, _ stream: HTTP2Stream, _ count: Int) {
        pair.client.consumeConnection(count)
        pair.client.consumeStream(stream, count)
    }

    @Test
    func `a stream whose peer gives no credit is told of after the limit, a moving one is not`()
        throws
    {
        let (pair, asked, called) = try answers(1)
        // Credit comes every 20 seconds: slow, but it moves.
        for second in stride(from: UInt64(0), to: 60, by: 20) {
            credit(pair, asked[0], pair.run().client.body.count)
            #expect(standing(pair, second).isEmpty)
        }
        _ = pair.run()  // The last credit is used; none follows.
        for second in [60, 70, 99] as [UInt64] { #expect(standing(pair, second).isEmpty) }
        #expect(standing(pair, 100) == called)
    }

    @Test func `a peer that lets a byte go now and then stands still`() throws {
        var client = HTTP2Options.defaults
        client.streamWindowBytes = 1
        let (pair, asked, called) = try answers(1, client: client)
        for second in UInt64(0)..<30 {
            credit(pair, asked[0], pair.run().client.body.count)
            #expect(standing(pair, second, least: 100).isEmpty)
        }
        _ = pair.run()
        #expect(standing(pair, 30, least: 100) == called)
    }

    @Test func `streams that wait for their turn are not to blame`() throws {
        var client = HTTP2Options.defaults
        client.streamWindowBytes = 4_000_000
        client.connectionWindowBytes = 65_535
        let (pair, asked, called) = try answers(5, client: client)
        // The connection's window, less than one turn of all of them, is given back every 20 seconds.
        for second in stride(from: UInt64(0), to: 400, by: 20) {
            credit(pair, asked[0], pair.run().client.body.count)
            #expect(standing(pair, second).isEmpty)
        }
        // Then it is not: all stand still together.
        _ = pair.run()
        var found: [HTTP2Stream] = []
        for second in stride(from: UInt64(400), to: 480, by: 10) { found += standing(pair, second) }
        #expect(Set(found) == Set(called))
    }

    @Test func `nobody stands still while the connection takes no output`() throws {
        let (pair, _, called) = try answers(3)
        _ = pair.run()
        for second in stride(from: UInt64(0), to: 300, by: 10) {
            #expect(standing(pair, second, isFlowing: false).isEmpty)
        }
        for second in stride(from: UInt64(300), to: 330, by: 10) {
            #expect(standing(pair, second).isEmpty)
        }
        #expect(standing(pair, 330) == called)
    }

    @Test(arguments: [true, false])
    func `trailers reach a peer that gives no credit`(isAnswered: Bool) throws {
        let (pair, _, called) = try answers(1)
        if isAnswered { pair.server.finish(on: called[0], trailers: okTrailers) }
        _ = pair.run()
        pair.server.finishNow(
            on: called[0], trailers: HTTP2HeaderBlock([("grpc-status", "8")]))
        let told = pair.run()
        #expect(told.client.headers == [["grpc-status=8"]])
        #expect(told.client.ends == 1 && told.client.closed == [.noError])
        #expect(pair.server.openStreamCount == 0 && pair.server.heldBytes == 0)
    }

    @Test func `trailers behind nothing need no window`() throws {
        var client = HTTP2Options.defaults
        client.streamWindowBytes = 0
        let pair = try SessionPair(client: client)
        _ = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let called = try #require(pair.run().server.streams.first)
        pair.server.respond(on: called, head: okHead)
        _ = pair.run()
        pair.server.finish(on: called, trailers: okTrailers)
        #expect(pair.run().client.headers == [["grpc-status=0"]])
        #expect(pair.server.openStreamCount == 0)
    }

    @Test func `what a session holds is counted by the pieces in memory`() throws {
        let (pair, asked, called) = try answers(2)
        #expect(pair.server.heldBytes == 6_000_000)
        let sent = pair.run().client.body.count
        #expect(sent > 0 && pair.server.heldBytes == 6_000_000, "none is gone as a whole")
        pair.server.reset(called[1], .cancel)
        #expect(pair.server.heldBytes == 3_000_000)
        var taken = sent
        while taken > 0 {
            credit(pair, asked[0], taken)
            taken = pair.run().client.body.count
        }
        #expect(pair.server.heldBytes == 0)
    }
}
