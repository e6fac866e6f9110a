import Console
import NIOCore
import NIOPosix
import Telemetry
import Testing

/// The console over real sockets, seen by a client that knows nothing but bytes.
@Suite struct ConsoleServerTests {
    private static let group = MultiThreadedEventLoopGroup.singleton

    private func withConsole<Answer: Sendable>(
        checks: [ReadinessCheck] = [ReadinessCheck("store")],
        _ change: (inout ConsoleConfiguration) -> Void = { _ in },
        _ body: (ConsoleServer) async throws -> Answer
    ) async throws -> Answer {
        let registry = MetricsRegistry()
        registry.counter(name: "cadre_tests", help: "Tests.").with().add(3)
        var configuration = ConsoleConfiguration(host: "127.0.0.1", port: 0)
        // On a busy machine a test may stand still for longer than a client would.
        configuration.connectionTimeout = .minutes(10)
        change(&configuration)
        let console = try await ConsoleServer.start(
            configuration,
            routes: [.metrics { registry.render($0) }, .healthz, .readyz { checks }],
            group: Self.group)
        do {
            let answer = try await body(console)
            await console.shutdown()
            return answer
        } catch {
            await console.shutdown()
            throw error
        }
    }

    private func get(_ path: String, _ lines: String...) -> String {
        "GET \(path) HTTP/1.1\r\nHost: console\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    @Test(arguments: [
        (String?.none, "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        ),
        (
            "application/openmetrics-text;q=0.2,text/plain;q=0.9",
            "text/plain; version=0.0.4; charset=utf-8"
        ),
    ])
    func `metrics come in the form that the scraper prefers`(
        _ accept: String?, _ contentType: String
    ) async throws {
        let response = try await withConsole { console in
            try await RawClient.exchange(
                accept.map { get("/metrics", "Accept: \($0)") } ?? get("/metrics"),
                port: console.port
            ).responses[0]
        }
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == contentType)
        #expect(response.headers["vary"] == "accept")
        #expect(response.body.contains("cadre_tests_total 3"))
        #expect(response.body.hasSuffix("# EOF\n") == contentType.contains("openmetrics"))
    }

    @Test func `the process says that it lives`() async throws {
        let response = try await withConsole { console in
            try await RawClient.exchange(get("/healthz"), port: console.port).responses[0]
        }
        #expect(response.status == 200 && response.body == "ok\n")
        #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
        #expect(response.headers["cache-control"] == "no-store")
        #expect(response.headers["date"]?.hasSuffix(" GMT") == true)
    }

    static let ready = [ReadinessCheck("store"), ReadinessCheck("agents")]
    static let unready = [
        ReadinessCheck("store"), ReadinessCheck("agents", failure: "none joined"),
    ]

    @Test(arguments: [
        (ready, "/readyz", 200, "ready\n"),
        (ready, "/readyz?verbose", 200, "[+] store\n[+] agents\nready\n"),
        (ready, "/readyz?a=b&verbose=1", 200, "[+] store\n[+] agents\nready\n"),
        (unready, "/readyz", 503, "[+] store\n[-] agents: none joined\nnot ready\n"),
        (unready, "/readyz?verbose", 503, "[+] store\n[-] agents: none joined\nnot ready\n"),
        ([], "/readyz", 200, "ready\n"),
    ])
    func `readiness names each check that fails`(
        _ checks: [ReadinessCheck], _ path: String, _ status: Int, _ body: String
    ) async throws {
        let response = try await withConsole(checks: checks) { console in
            try await RawClient.exchange(get(path), port: console.port).responses[0]
        }
        #expect(response.status == status)
        #expect(response.body == body)
    }

    @Test(arguments: ["/", "http://console/", "http://console"])
    func `the index page lists every endpoint`(_ target: String) async throws {
        let response = try await withConsole { console in
            try await RawClient.exchange(get(target), port: console.port).responses[0]
        }
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "text/html; charset=utf-8")
        for path in ["/metrics", "/healthz", "/readyz"] {
            #expect(response.body.contains("<a href=\"\(path)\">\(path)</a>"))
        }
    }

    @Test(arguments: ["/", "/metrics", "/healthz", "/readyz", "/nothing"])
    func `HEAD gives the headers of GET and no body`(_ path: String) async throws {
        try await withConsole { console in
            let full = try await RawClient.exchange(get(path), port: console.port)
            let head = try await RawClient.exchange(
                "HEAD \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                port: console.port, withoutBody: true)
            #expect(head.statuses == full.statuses && head.rest.isEmpty)
            for name in ["content-type", "content-length", "cache-control"] {
                #expect(head.responses[0].headers[name] == full.responses[0].headers[name])
            }
        }
    }

    /// A request, what it is answered, and whether the connection ends.
    struct Exchange: Sendable, CustomTestStringConvertible {
        var request: String
        var status: Int
        var closes: Bool

        init(_ request: String, _ status: Int, closes: Bool = false) {
            self.request = request
            self.status = status
            self.closes = closes
        }

        var testDescription: String { request.debugDescription }
    }

    @Test(arguments: [
        Exchange("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        Exchange("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 404),
        Exchange("GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        Exchange("DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        Exchange(
            "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 405, closes: true),
        Exchange(
            "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 413, closes: true),
        Exchange(
            "GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            413, closes: true),
        Exchange("GET /metrics HTTP/1.1\r\n\r\n", 400, closes: true),
        Exchange("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, closes: true),
        Exchange(
            "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, closes: true),
        Exchange("GET /metrics HTTP/1.0\r\n\r\n", 200, closes: true),
        Exchange("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
        Exchange("GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200),
        // What follows an offer of another protocol is not read as HTTP/1.1.
        Exchange(
            "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 200, closes: true),
        Exchange("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 404, closes: true),
        Exchange("this is not a request\r\n\r\n", 400, closes: true),
        Exchange("GET /metrics HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400, closes: true),
        Exchange("GET /metrics HTTP/1.1\n\n", 400, closes: true),
        Exchange("GET /metrics HTTP/1.1\r\nHost: a\n\r\n", 400, closes: true),
        Exchange("GET /metrics HTTP/1.1\r\nHost: a\r\n\n", 400, closes: true),
        Exchange("GET /metrics HTTP/3.0\r\nHost: a\r\n\r\n", 505, closes: true),
    ])
    func `each kind of request has its status, and bad ones end the connection`(
        _ exchange: Exchange
    ) async throws {
        let (request, closes) = (exchange.request, exchange.closes)
        try await withConsole { console in
            let first = try await RawClient.exchange(request, port: console.port)
            #expect(first.statuses == [exchange.status])
            let headers = try #require(first.responses.first?.headers)
            #expect(headers["connection"] == (closes ? "close" : nil))
            #expect(headers["allow"] == (exchange.status == 405 ? "GET, HEAD" : nil))
            if closes {
                let all = try await RawClient.untilClosed(request, port: console.port)
                #expect(all.statuses == [exchange.status] && all.wasClosed && all.rest.isEmpty)
            } else {
                let two = try await RawClient.exchange(
                    request, get("/healthz"), port: console.port)
                #expect(two.statuses == [exchange.status, 200])
            }
        }
    }

    @Test func `a request before a line without CR is answered first`() async throws {
        try await withConsole { console in
            let all = try await RawClient.untilClosed(
                get("/healthz") + "GET / HTTP/1.1\n\n" + get("/healthz"), port: console.port)
            #expect(all.statuses.first == 200 && all.wasClosed && all.rest.isEmpty)
            #expect(all.statuses.dropFirst().allSatisfy { $0 == 400 })
        }
    }

    @Test func `headers beyond the limits are refused`() async throws {
        try await withConsole { configuration in
            configuration.maxHeaderBytes = 1000
            configuration.maxHeaderFields = 10
        } _: { console in
            let large = get("/healthz", "X-A: " + String(repeating: "a", count: 990))
            let many =
                "GET /healthz HTTP/1.1\r\nHost: a\r\n"
                + (1...10).map { "X-\($0): a\r\n" }.joined() + "\r\n"
            for request in [large, many] {
                let refused = try await RawClient.untilClosed(request, port: console.port)
                #expect(refused.statuses == [431] && refused.wasClosed)
            }
            let within = get("/healthz", "X-A: " + String(repeating: "a", count: 900))
            let taken = try await RawClient.exchange(within, port: console.port)
            #expect(taken.statuses == [200])
        }
    }

    @Test func `a connection serves one request after another`() async throws {
        try await withConsole { console in
            let bodies = try await RawClient.onConnection(port: console.port) { connection in
                var bodies: [String] = []
                for path in ["/healthz", "/readyz", "/healthz"] {
                    try await connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                    bodies += try await connection.receive(1).responses.map(\.body)
                }
                return bodies
            }
            #expect(bodies == ["ok\n", "ready\n", "ok\n"])
        }
    }

    @Test(arguments: [("nothing", 0), ("half a request", 1), ("one request", 2)])
    func `a connection that brings no request in time is closed`(
        _ what: String, _ halves: Int
    ) async throws {
        let start = ["GET /healthz HTTP/1.1\r\n", "Host: a\r\n\r\n"].prefix(halves).joined()
        try await withConsole {
            // Time enough on a busy machine for the whole request to be read before it ends.
            $0.connectionTimeout = .seconds(halves == 2 ? 15 : 2)
        } _: { console in
            let all = try await RawClient.untilClosed(start, port: console.port)
            #expect(all.wasClosed)
            #expect(all.statuses == (halves == 2 ? [200] : []))
        }
    }

    @Test func `a request before the last answer is out ends the connection after that answer`()
        async throws
    {
        let large = [UInt8](repeating: 0x61, count: 8 << 20)
        let route = ConsoleRoute(path: "/large", summary: "much") { _ in
            ConsoleResponse(contentType: "text/plain", body: large)
        }
        var configuration = ConsoleConfiguration(host: "127.0.0.1", port: 0)
        configuration.connectionTimeout = .minutes(10)
        let console = try await ConsoleServer.start(
            configuration, routes: [route], group: Self.group)
        // Eight mebibytes do not fit into the socket buffers, so the second request finds the first
        // answer still on its way.
        let all = try await RawClient.untilClosed(
            get("/large") + get("/large") + get("/large"), port: console.port)
        #expect(all.statuses == [200] && all.wasClosed && all.rest.isEmpty)
        #expect(all.responses.first?.body.utf8.count == large.count)
        await console.shutdown()
    }

    @Test func `a connection too many is told so and the others go on`() async throws {
        try await withConsole {
            $0.maxConnections = 1
        } _: { console in
            let port = console.port
            try await RawClient.onConnection(port: port) { connection in
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                let first = try await connection.receive(1)
                #expect(first.statuses == [200])
                let second = try await RawClient.untilClosed("", port: port)
                #expect(second.statuses == [503] && second.wasClosed)
                #expect(second.responses.first?.headers["retry-after"] == "5")
                try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.receive(1).statuses == [200])
            }
        }
    }

    @Test func `a port in use is named together with the remedy`() async throws {
        try await withConsole { console in
            let port = console.port
            await #expect {
                _ = try await ConsoleServer.start(
                    ConsoleConfiguration(host: "127.0.0.1", port: port), routes: [],
                    group: Self.group)
            } throws: { error in
                let error = error as? ConsoleError
                return error?.code == .portInUse
                    && error?.message
                        == "cannot listen on 127.0.0.1:\(port): the port is in use. Stop what uses "
                        + "it or pass another --console-port"
            }
        }
    }

    @Test func `an address of another machine is refused`() async throws {
        await #expect {
            // TEST-NET-1 (RFC 5737): no machine has it.
            _ = try await ConsoleServer.start(
                ConsoleConfiguration(host: "192.0.2.1", port: 0), routes: [], group: Self.group)
        } throws: { error in
            (error as? ConsoleError)?.code == .addressRefused
        }
    }

    @Test func `shutdown closes idle connections and stops listening`() async throws {
        let console = try await ConsoleServer.start(
            ConsoleConfiguration(host: "127.0.0.1", port: 0), routes: [.healthz],
            group: Self.group)
        let port = console.port
        let after = try await RawClient.onConnection(port: port) { connection in
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await connection.receive(1)
            await console.shutdown()
            return try await connection.receive(1)
        }
        #expect(after.responses.isEmpty && after.wasClosed)
        await console.shutdown()
        await #expect(throws: (any Error).self) {
            _ = try await RawClient.untilClosed("", port: port)
        }
    }
}
