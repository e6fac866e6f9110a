import GRPC
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopbackTests {
    /// Runs `body` with a fresh server and stops it afterwards.
    private func withServer(
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        client: ClientConfiguration = .defaults,
        _ body: (EchoServer) async throws -> Void
    ) async throws {
        let echo = try await EchoServer(change, client: client)
        do { try await body(echo) } catch {
            try await echo.stop()
            throw error
        }
        try await echo.stop()
    }

    private func status(_ body: () async throws(GRPCStatus) -> Void) async -> GRPCStatus {
        do {
            try await body()
            return .ok
        } catch { return error }
    }

    @Test(arguments: [0, 1, 155, 16_384, 300_000, 3_000_000])
    func `a unary call brings back what was sent`(bytes: Int) async throws {
        try await withServer { echo in
            let body = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let response = try await echo.client.unary(EchoServer.echo, framed: framed(body))
            #expect(response.message == body)
        }
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(3_600), .seconds(60)])
    func `a long timeout does not hurt`(timeout: Duration) async throws {
        try await withServer { echo in
            let response = try await echo.client.unary(
                EchoServer.echo, framed: framed([1]), options: CallOptions(timeout: timeout))
            #expect(response.message == [1])
        }
    }

    @Test func `metadata goes both ways, text and bytes, several values in order`() async throws {
        try await withServer { echo in
            var metadata: Metadata = ["x-initial": "first", "x-initial": "second"]
            metadata.add("x-trailing-bin", bytes: [0, 255, 10, 13])
            metadata.add("x-trailing-bin", bytes: [])
            let response = try await echo.client.unary(
                EchoServer.echo, framed: framed([1]), options: CallOptions(metadata: metadata))
            #expect(response.initialMetadata.all("x-initial") == ["first", "second"])
            #expect(response.trailers.allBytes("x-trailing-bin") == [[0, 255, 10, 13], []])
        }
    }

    @Test func `calls on one connection have each their own metadata`() async throws {
        try await withServer { echo in
            let long = String(repeating: "l", count: 2_000)
            for value in ["a", "a", "b", "a", long, long, "a", "c", "c"] {
                let options = CallOptions(metadata: ["x-initial": value])
                let response = try await echo.client.unary(
                    EchoServer.echo, framed: framed([1]), options: options)
                #expect(response.initialMetadata.all("x-initial") == [value])
            }
            let bare = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
            #expect(bare.initialMetadata.all("x-initial") == [])
        }
    }

    @Test func `a status comes with its message and details`() async throws {
        try await withServer { echo in
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(EchoServer.fail, framed: framed([]))
            }
            #expect(
                status
                    == GRPCStatus(
                        .failedPrecondition, "tab\t, \u{1F608}, 100 %", details: [1, 2]))
        }
    }

    @Test func `an answer given in a later task arrives`() async throws {
        try await withServer { echo in
            let response = try await echo.client.unary(EchoServer.later, framed: framed([5]))
            #expect(response.message == [5])
        }
    }

    @Test func `many calls at once each get their own answer`() async throws {
        try await withServer { echo in
            let client = echo.client
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1_000 {
                    let body = Array("\(number)".utf8)
                    group.addTask {
                        try await client.unary(EchoServer.echo, framed: framed(body)).message
                            == body
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(echo.log.started == 1_000)
            #expect(echo.log.ended.allSatisfy { $0.summary.code == .ok })
        }
    }

    @Test(arguments: [
        ("Nope", GRPCStatusCode.unimplemented, "unknown method Nope of service test.Echo"),
        ("Silent", .internalError, "the handler sent no response"),
        ("Twice", .internalError, "the handler sent a second response"),
    ])
    func `a call that cannot succeed says why`(
        name: String, code: GRPCStatusCode, message: String
    ) async throws {
        try await withServer { echo in
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(
                    EchoServer.method(name, .unary), framed: framed([1]))
            }
            #expect(status == GRPCStatus(code, message))
        }
    }

    @Test func `a deadline ends the call on both sides`() async throws {
        try await withServer { echo in
            // With a connection at hand the call leaves at once, however busy the machine is.
            _ = try await echo.client.unary(EchoServer.echo, framed: framed([]))
            let clock = ContinuousClock()
            let begin = clock.now
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(
                    EchoServer.never, framed: framed([]),
                    options: CallOptions(timeout: .milliseconds(100)))
            }
            #expect(status.code == .deadlineExceeded)
            #expect(clock.now - begin >= .milliseconds(99))
            // The client's reset and the server's own deadline race; either ends the call there.
            await echo.log.wait(for: "Never ended")
        }
    }

    @Test func `cancelling the task cancels the call on the server`() async throws {
        try await withServer { echo in
            let client = echo.client
            let task = Task {
                await status { () throws(GRPCStatus) in
                    _ = try await client.unary(EchoServer.never, framed: framed([]))
                }
            }
            await echo.log.wait(for: "never begun")
            task.cancel()
            #expect(await task.value.code == .cancelled)
            await echo.log.wait(for: "never cancelledByClient")
        }
    }

    @Test func `a response over the caller's limit is RESOURCE_EXHAUSTED`() async throws {
        try await withServer { echo in
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(
                    EchoServer.echo, framed: framed([UInt8](repeating: 1, count: 1_001)),
                    options: CallOptions(maxResponseBytes: 1_000))
            }
            #expect(status.code == .resourceExhausted)
            let next = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
            #expect(next.message == [1])
        }
    }

    @Test func `a request over the server's limit is RESOURCE_EXHAUSTED`() async throws {
        try await withServer({ $0.limits.maxRequestBytes = 1_000 }) { echo in
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(
                    EchoServer.echo, framed: framed([UInt8](repeating: 1, count: 1_001)))
            }
            #expect(status.code == .resourceExhausted)
        }
    }

    @Test func `bodies that nobody reads give their window back`() async throws {
        try await withServer({ $0.limits.maxRequestBytes = 1_000 }) { echo in
            // 40 x 200 KB is twice the connection's window of 4 MiB.
            for _ in 0..<40 {
                let status = await status { () throws(GRPCStatus) in
                    _ = try await echo.client.unary(
                        EchoServer.echo, framed: framed([UInt8](repeating: 1, count: 200_000)))
                }
                #expect(status.code == .resourceExhausted)
            }
            let body = [UInt8](repeating: 1, count: 900)
            let response = try await echo.client.unary(EchoServer.echo, framed: framed(body))
            #expect(response.message == body)
        }
    }

    @Test func `metadata over the server's limit is RESOURCE_EXHAUSTED`() async throws {
        try await withServer { echo in
            let long = String(repeating: "x", count: 20_000)
            let status = await status { () throws(GRPCStatus) in
                _ = try await echo.client.unary(
                    EchoServer.echo, framed: framed([1]),
                    options: CallOptions(metadata: ["x-long": long]))
            }
            #expect(status.code == .resourceExhausted)
        }
    }

    @Test func `a server stream arrives in order and ends with trailers`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.count)
            try await stream.send(framed: framed([UInt8](repeating: 0, count: 200)))
            stream.finishSending()
            var received: [[UInt8]] = []
            for try await message in stream { received.append(message) }
            #expect(received == (0..<200).map { [UInt8($0)] })
            #expect(stream.status == .ok)
            #expect(stream.trailers.first("x-count") == "200")
        }
    }

    @Test func `a client stream is summed up`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.sum)
            for size in [27_182, 8, 1_828, 45_904] {
                try await stream.send(framed: framed([UInt8](repeating: 1, count: size)))
            }
            stream.finishSending()
            var iterator = stream.makeAsyncIterator()
            #expect(try await iterator.next() == Array("74922".utf8))
            #expect(try await iterator.next() == nil)
        }
    }

    @Test func `a conversation goes back and forth`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.chat)
            var iterator = stream.makeAsyncIterator()
            for number in 0..<100 {
                try await stream.send(framed: framed(Array("ping \(number)".utf8)))
                #expect(try await iterator.next() == Array("ping \(number)".utf8))
            }
            stream.finishSending()
            #expect(try await iterator.next() == nil)
        }
    }

    @Test func `cancelling a stream is seen by the server and by the reader`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.chat)
            try await stream.send(framed: framed([1]))
            var iterator = stream.makeAsyncIterator()
            _ = try await iterator.next()
            stream.cancel()
            let end = await status { () throws(GRPCStatus) in _ = try await iterator.next() }
            #expect(end.code == .cancelled)
            await echo.log.wait(for: "chat cancelledByClient")
        }
    }

    @Test func `a reader that stands still stops the server, and loses nothing`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.flood)
            try await stream.send(framed: framed([]))
            stream.finishSending()
            var iterator = stream.makeAsyncIterator()
            _ = try await iterator.next()
            // Another call on the connection goes through while this one stands still.
            _ = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
            #expect(echo.log.highest("flood sent") < 100)
            var received = 1
            while try await iterator.next() != nil { received += 1 }
            #expect(received == 1_000)
        }
    }

    @Test func `a handler that pauses reading gets every byte in the end`() async throws {
        try await withServer { echo in
            let stream = try await echo.client.stream(EchoServer.slowReader)
            for _ in 0..<200 {
                try await stream.send(framed: framed([UInt8](repeating: 1, count: 20_000)))
            }
            stream.finishSending()
            var iterator = stream.makeAsyncIterator()
            #expect(try await iterator.next() == Array("4000000".utf8))
        }
    }

    @Test func `nobody listening is UNAVAILABLE with the address and the reason`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = GRPCClient(host: "127.0.0.1", port: 1, group: group)
        for _ in 0..<2 {
            let status = await status { () throws(GRPCStatus) in
                _ = try await client.unary(EchoServer.echo, framed: framed([]))
            }
            #expect(status.code == .unavailable)
            #expect(
                status.message
                    == "cannot connect to 127.0.0.1:1: connection refused; is the server running?")
        }
        await client.close()
        let after = await status { () throws(GRPCStatus) in
            _ = try await client.stream(EchoServer.chat)
        }
        #expect(after.code == .unavailable)
        try await group.shutdownGracefully()
    }

    @Test func `a call that waits for ready waits up to its timeout`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = GRPCClient(host: "127.0.0.1", port: 1, group: group)
        let status = await status { () throws(GRPCStatus) in
            _ = try await client.unary(
                EchoServer.echo, framed: framed([]),
                options: CallOptions(timeout: .milliseconds(50), waitForReady: true))
        }
        #expect(status.code == .deadlineExceeded)
        await client.close()
        try await group.shutdownGracefully()
    }

    @Test func `a call that waits for ready gets through once the server is there`() async throws {
        // Take a port, give it back, and let the client knock while nobody is there.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let probe = GRPCServer(
            configuration: ServerConfiguration(port: 0), services: [], group: group)
        let port = try await probe.start()
        await probe.shutdown(grace: .zero)
        var configuration = ClientConfiguration.defaults
        configuration.initialBackoff = .milliseconds(20)
        let client = GRPCClient(
            host: "127.0.0.1", port: port, group: group, configuration: configuration)
        let waiting = Task {
            try await client.unary(
                EchoServer.echo, framed: framed([9]),
                options: CallOptions(timeout: .seconds(20), waitForReady: true)
            ).message
        }
        _ = await status { () throws(GRPCStatus) in
            _ = try await client.unary(EchoServer.echo, framed: framed([]))
        }
        let echo = try await EchoServer { $0.port = port }
        #expect(try await waiting.value == [9])
        await client.close()
        try await echo.stop()
        try await group.shutdownGracefully()
    }

    @Test func `a port in use is a clear error`() async throws {
        try await withServer { echo in
            let second = GRPCServer(
                configuration: ServerConfiguration(port: echo.port), services: [],
                group: echo.group)
            let error = await #expect(throws: ServerStartError.self) { try await second.start() }
            #expect(
                error?.description
                    == "cannot listen on 127.0.0.1:\(echo.port): the port is in use; "
                    + "stop the other process or choose another port")
        }
    }

    @Test func `connections over the limit are closed on arrival`() async throws {
        try await withServer({ $0.limits.maxConnections = 1 }) { echo in
            _ = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
            let second = GRPCClient(host: "127.0.0.1", port: echo.port, group: echo.group)
            let refused = await status { () throws(GRPCStatus) in
                _ = try await second.unary(EchoServer.echo, framed: framed([1]))
            }
            #expect(refused.code == .unavailable)
            await second.close()
        }
    }

    @Test func `more calls than the server's stream limit are queued, not refused`() async throws {
        try await withServer({ $0.limits.maxConcurrentStreams = 3 }) { echo in
            let client = echo.client
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await client.unary(EchoServer.later, framed: framed([UInt8(number)]))
                            .message
                    }
                }
                var received: Set<[UInt8]> = []
                for try await message in group { received.insert(message) }
                #expect(received.count == 50)
            }
        }
    }

    @Test func `a call the server did not look at is moved to a new connection`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await UnwillingServer.start(.goAway(connections: 1), on: group)
        let client = GRPCClient(
            host: "127.0.0.1", port: server.localAddress?.port ?? 0, group: group)
        let response = try await client.unary(EchoServer.echo, framed: framed([1]))
        #expect(response.message == [2], "answered on the second connection")
        await client.close()
        try await server.close()
        try await group.shutdownGracefully()
    }

    @Test(arguments: [(1, GRPCStatusCode.ok), (5, .ok), (6, .unavailable)], [true, false])
    func `a refused call is tried again, not for ever`(
        _ refusals: (times: Int, code: GRPCStatusCode), byGoAway: Bool
    ) async throws {
        let (times, code) = refusals
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await UnwillingServer.start(
            byGoAway ? .goAway(connections: times) : .refuse(times: times), on: group)
        var configuration = ClientConfiguration.defaults
        configuration.initialBackoff = .milliseconds(1)
        let client = GRPCClient(
            host: "127.0.0.1", port: server.localAddress?.port ?? 0, group: group,
            configuration: configuration)
        let status = await status { () throws(GRPCStatus) in
            _ = try await client.unary(EchoServer.echo, framed: framed([1]))
        }
        #expect(status.code == code)
        await client.close()
        try await server.close()
        try await group.shutdownGracefully()
    }

    @Test func `a lost connection ends its calls, and the next call connects again`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let first = try await EchoServer()
        let client = GRPCClient(host: "127.0.0.1", port: first.port, group: group)
        let stream = try await client.stream(EchoServer.chat)
        var iterator = stream.makeAsyncIterator()
        await first.server.shutdown(grace: .zero)
        let end = await status { () throws(GRPCStatus) in _ = try await iterator.next() }
        #expect(end.code == .unavailable)
        let port = first.port
        try await first.stop()
        let second = try await EchoServer { $0.port = port }
        // The end of the first one may have made the client connect again while there was none, and
        // after a refusal it waits a while before it tries once more.
        let again = try await client.unary(
            EchoServer.echo, framed: framed([3]),
            options: CallOptions(timeout: .seconds(30), waitForReady: true))
        #expect(again.message == [3])
        await client.close()
        try await second.stop()
        try await group.shutdownGracefully()
    }
}
