import HTTP2
import Testing

let requestHead = HTTP2HeaderBlock([
    (":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "test"),
])
let okHead = HTTP2HeaderBlock([(":status", "200")])
let okTrailers = HTTP2HeaderBlock([("grpc-status", "0")])

@Suite struct HTTP2SessionTests {
    @Test(arguments: [1, 2, 7, 9, 64, 1 << 20])
    func `a call passes whole however the bytes are cut`(step: Int) throws {
        let pair = try SessionPair()
        let fields = HTTP2Fields([("te", "trailers"), ("x-a", "1")])
        let stream = try #require(pair.client.request(head: requestHead, fields: fields))
        pair.client.send([1, 2, 3], on: stream)
        pair.client.send([4], on: stream)
        pair.client.finishSending(on: stream)
        let asked = pair.run(step: step)
        #expect(
            asked.server.headers == [
                [
                    ":method=POST", ":scheme=http", ":path=/a.B/C", ":authority=test",
                    "te=trailers", "x-a=1",
                ]
            ])
        #expect(asked.server.body == [1, 2, 3, 4])
        #expect(asked.server.ends == 1)

        let called = try #require(asked.server.streams.first)
        pair.server.respond(on: called, head: okHead)
        pair.server.send([9, 8], on: called)
        pair.server.finish(
            on: called, trailers: okTrailers, fields: HTTP2Fields([("grpc-message", "hi")]))
        let answered = pair.run(step: step)
        #expect(
            answered.client.headers == [[":status=200"], ["grpc-status=0", "grpc-message=hi"]])
        #expect(answered.client.body == [9, 8])
        #expect(answered.client.closed == [.noError])
        #expect(answered.server.closed == [.noError])
        #expect(pair.client.openStreamCount == 0 && pair.server.openStreamCount == 0)
    }

    @Test func `a body larger than every window arrives as it is credited`() throws {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        pair.client.send(body, on: stream)
        pair.client.finishSending(on: stream)
        #expect(!pair.client.isWritable(stream))
        var received: [UInt8] = []
        var rounds = 0
        while received.count < body.count, rounds < 1000 {
            let told = pair.run()
            #expect(told.server.body.count <= 256 << 10)
            received += told.server.body
            let open = HTTP2Stream(id: stream.id, slot: 0)
            pair.server.consumeConnection(told.server.body.count)
            pair.server.consumeStream(open, told.server.body.count)
            rounds += 1
        }
        #expect(received == body)
        #expect(rounds >= 12)
    }

    @Test func `an early answer is followed by a reset without error`() throws {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let called = try #require(pair.run().server.streams.first)
        pair.server.respondOnly(
            on: called, head: okHead, fields: HTTP2Fields([("grpc-status", "12")]))
        let told = pair.run()
        #expect(told.client.headers == [[":status=200", "grpc-status=12"]])
        #expect(told.client.closed == [.noError])
        #expect(told.server.closed == [.noError])
        #expect(stream == called)
    }

    @Test func `a header list over the announced limit is told, and the stream stays usable`()
        throws
    {
        let pair = try SessionPair()
        _ = pair.run()
        let large = String(repeating: "x", count: 9_000)
        let fields = HTTP2Fields([("a", large), ("b", large)])
        let stream = try #require(pair.client.request(head: requestHead, fields: fields))
        pair.client.finishSending(on: stream)
        var told = pair.run()
        #expect(told.server.headers.isEmpty)
        #expect(told.server.others == [.headersTooLarge(stream, endStream: false)])
        pair.server.respondOnly(on: stream, head: okHead)
        told = pair.run()
        #expect(told.client.headers == [[":status=200"]])
    }

    @Test(arguments: [true, false])
    func `a response that HTTP/2 cannot carry resets its stream and no other`(isTrailer: Bool)
        throws
    {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        pair.client.finishSending(on: stream)
        let other = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        _ = pair.run()
        let large = HTTP2Fields([("a", String(repeating: "x", count: 70_000))])
        if isTrailer {
            pair.server.respond(on: stream, head: okHead)
            pair.server.send([1], on: stream)
            pair.server.finish(on: stream, trailers: okTrailers, fields: large)
        } else {
            pair.server.respond(on: stream, head: okHead, fields: large)
        }
        let told = pair.run()
        #expect(told.client.closed == [.internalError])
        #expect(told.server.closed == [.internalError])
        pair.server.respondOnly(on: other, head: okHead)
        #expect(pair.run().client.headers == [[":status=200"]])
        #expect(pair.server.openStreamCount == 0)
    }

    @Test func `a long queue of small pieces keeps its order`() throws {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let pieces = (0..<60_000).map { [UInt8(truncatingIfNeeded: $0), UInt8($0 % 7)] }
        for piece in pieces { pair.client.send(piece, on: stream) }
        pair.client.finishSending(on: stream)
        let told = pair.run()
        #expect(told.server.body == pieces.flatMap { $0 })
        #expect(told.server.ends == 1)
    }

    @Test func `a header list far over the limit resets the stream only`() throws {
        var options = HTTP2Options.defaults
        options.maxHeaderListBytes = 4_096
        let pair = try SessionPair(server: options)
        let large = String(repeating: "x", count: 9_000)
        let fields = HTTP2Fields([("a", large), ("b", large)])
        _ = try #require(pair.client.request(head: requestHead, fields: fields))
        let told = pair.run()
        #expect(told.client.closed == [.internalError])
        #expect(!pair.server.isFinished)
    }

    @Test func `a reset by the client closes the stream and drops the answer`() throws {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let called = try #require(pair.run().server.streams.first)
        pair.server.respond(on: called, head: okHead)
        pair.client.reset(stream, .cancel)
        let told = pair.run()
        #expect(told.server.closed == [.cancel])
        pair.server.send([1], on: called)
        pair.server.finish(on: called, trailers: okTrailers)
        #expect(pair.run().client.body.isEmpty)
    }

    @Test func `a request cancelled before it was sent leaves no slot behind`() throws {
        let pair = try SessionPair()
        _ = pair.run()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        pair.client.reset(stream, .cancel)
        let told = pair.run()
        #expect(told.server.headers.isEmpty)
        #expect(pair.client.openStreamCount == 0)
    }

    @Test func `shutdown is two GOAWAYs with a round trip between, and open streams finish`() throws
    {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        let called = try #require(pair.run().server.streams.first)
        pair.server.beginShutdown()
        let told = pair.run()
        let goAways = told.client.others.compactMap { event -> Int32? in
            if case .goAway(let last, .noError) = event { return last }
            return nil
        }
        #expect(goAways == [Int32.max, stream.id])
        #expect(!pair.server.isFinished)
        pair.server.respond(on: called, head: okHead)
        pair.server.finish(on: called, trailers: okTrailers)
        _ = pair.run()
        #expect(pair.server.isFinished)
    }

    @Test func `a client that ends after its streams is finished with the last of them`() throws {
        let pair = try SessionPair()
        let stream = try #require(pair.client.request(head: requestHead, fields: HTTP2Fields()))
        pair.client.finishSending(on: stream)
        let called = try #require(pair.run().server.streams.first)
        pair.client.endAfterStreams()
        _ = pair.run()
        #expect(!pair.client.isFinished)
        pair.server.respondOnly(on: called, head: okHead)
        #expect(pair.run().client.headers == [[":status=200"]])
        #expect(pair.client.isFinished && pair.server.isFinished)
    }

    @Test func `what a GOAWAY says is there for the peer`() throws {
        let pair = try SessionPair()
        _ = pair.run()
        pair.server.terminate(.enhanceYourCalm, reason: "too loud")
        let told = pair.run()
        #expect(told.client.others.contains(.goAway(lastStreamID: 0, .enhanceYourCalm)))
        #expect(pair.client.peerReason == "too loud")
        #expect(pair.server.isFinished && !pair.server.wantsWrite)
    }

    @Test func `a ping is answered and its number comes back`() throws {
        let pair = try SessionPair()
        _ = pair.run()
        pair.client.ping(0x0102_0304_0506_0708)
        #expect(pair.run().client.others == [.pong(0x0102_0304_0506_0708)])
    }
}
