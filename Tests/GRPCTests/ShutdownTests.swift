import GRPC
import Testing

/// A server that goes down: whom it cancels, whom it lets finish, and what it tells new callers.
@Suite(.timeLimit(.minutes(1))) struct ShutdownTests {
    private func status(_ body: () async throws(GRPCStatus) -> Void) async -> GRPCStatus {
        do {
            try await body()
            return .ok
        } catch { return error }
    }

    @Test func `shutdown lets an open call finish`() async throws {
        let echo = try await EchoServer()
        let stream = try await echo.client.stream(EchoServer.chat)
        var iterator = stream.makeAsyncIterator()
        try await stream.send(framed: framed([1]))
        _ = try await iterator.next()
        async let stopped: Void = echo.server.shutdown(grace: .seconds(20))
        try await stream.send(framed: framed([2]))
        #expect(try await iterator.next() == [2])
        stream.finishSending()
        #expect(try await iterator.next() == nil)
        await stopped
        try await echo.stop()
    }

    @Test func `a call that never ends holds no shutdown up, and the others keep their grace`()
        async throws
    {
        let echo = try await EchoServer()
        let endless = try await echo.client.stream(EchoServer.endless)
        let chat = try await echo.client.stream(EchoServer.chat)
        var (news, answers) = (endless.makeAsyncIterator(), chat.makeAsyncIterator())
        try await endless.send(framed: framed([1]))
        try await chat.send(framed: framed([1]))
        #expect(try await news.next() == [1])
        #expect(try await answers.next() == [1])
        async let stopped: Void = echo.server.shutdown(grace: .seconds(600))
        let end = await status { () throws(GRPCStatus) in _ = try await news.next() }
        #expect(end.code == .unavailable)
        #expect(echo.log.words.contains("endless serverShutdown"))
        try await chat.send(framed: framed([2]))
        #expect(try await answers.next() == [2])
        chat.finishSending()
        #expect(try await answers.next() == nil)
        await stopped
        try await echo.stop()
    }

    @Test func `the beginning of a shutdown sends clients elsewhere and leaves open calls alone`()
        async throws
    {
        let echo = try await EchoServer()
        let client = echo.client
        let chat = try await client.stream(EchoServer.chat)
        var answers = chat.makeAsyncIterator()
        try await chat.send(framed: framed([1]))
        #expect(try await answers.next() == [1])
        await echo.server.beginShutdown()
        // Until the GOAWAY has come, the connection takes calls; then there is nobody to connect to.
        var refused = GRPCStatus.ok
        while refused.code == .ok {
            refused = await status { () throws(GRPCStatus) in
                _ = try await client.unary(EchoServer.echo, framed: framed([]))
            }
        }
        #expect(refused.code == .unavailable && refused.isConnectionFailure, "\(refused)")
        try await chat.send(framed: framed([2]))
        #expect(try await answers.next() == [2])
        chat.finishSending()
        #expect(try await answers.next() == nil)
        await echo.server.shutdown(grace: .seconds(600))
        try await echo.stop()
    }

    @Test func `shutdown cancels what is left when the grace is over`() async throws {
        let echo = try await EchoServer()
        let stream = try await echo.client.stream(EchoServer.chat)
        try await stream.send(framed: framed([1]))
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next()
        await echo.server.shutdown(grace: .milliseconds(50))
        let end = await status { () throws(GRPCStatus) in _ = try await iterator.next() }
        #expect(end.code == .unavailable && !end.isConnectionFailure)
        #expect(echo.log.words.contains("chat serverShutdown"))
        try await echo.stop()
    }

    @Test func `a second shutdown with less grace ends the first one sooner`() async throws {
        let echo = try await EchoServer()
        let stream = try await echo.client.stream(EchoServer.chat)
        try await stream.send(framed: framed([1]))
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next()
        async let stopped: Void = echo.server.shutdown(grace: .seconds(600))
        await echo.server.shutdown(grace: .zero)
        await stopped
        let end = await status { () throws(GRPCStatus) in _ = try await iterator.next() }
        #expect(end.code == .unavailable && !end.isConnectionFailure)
        try await echo.stop()
    }
}
