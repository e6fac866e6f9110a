import NIOHTTP1

/// Decides what is answered to a request head: the rules, without sockets.
struct ConsoleRouter: Sendable {
    private let routes: [String: ConsoleRoute]

    /// The routes by their paths, and the index page at `/`.
    init(_ routes: [ConsoleRoute]) {
        let all = [ConsoleRoute.index(of: routes)] + routes
        self.routes = Dictionary(all.map { ($0.path, $0) }) { _, later in later }
    }

    /// The answer to a request head. A body is refused and not waited for.
    func answer(to head: HTTPRequestHead) -> ConsoleAnswer {
        // RFC 9112 section 3.2: a request of HTTP/1.1 without exactly one Host is refused.
        if head.version == .http1_1 && head.headers["host"].count != 1 {
            return .refusal(400, "a request needs one Host header")
        }
        let keeps = head.isKeepAlive && !Self.hasBody(head) && !Self.changesProtocol(head)
        let accept = head.headers["accept"]
        let request = ConsoleRequest(
            target: head.uri, accept: accept.isEmpty ? nil : accept.joined(separator: ","))
        guard let route = routes[request.path] else {
            return ConsoleAnswer(
                ConsoleResponse(status: 404, text: "nothing here; see / for what there is\n"),
                keepsConnection: keeps)
        }
        guard head.method == .GET || head.method == .HEAD else {
            return .methodNotAllowed(keepsConnection: keeps)
        }
        if Self.hasBody(head) { return .refusal(413, "the console takes no request bodies") }
        return ConsoleAnswer(route.answer(request), keepsConnection: keeps)
    }

    /// Whether a request offers another protocol for what follows, which NIO's decoder then leaves
    /// alone: no further request of the connection would be seen.
    private static func changesProtocol(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT || head.headers.contains(name: "upgrade")
    }

    /// Whether a body follows a request head (RFC 9112 section 6.3).
    static func hasBody(_ head: HTTPRequestHead) -> Bool {
        head.headers.contains(name: "transfer-encoding")
            || head.headers.first(name: "content-length").map { $0 != "0" } ?? false
    }
}

/// A response and what becomes of the connection after it.
struct ConsoleAnswer {
    let response: ConsoleResponse
    /// Whether further requests may follow.
    let keepsConnection: Bool
    /// Methods for the `Allow` header, which 405 must carry (RFC 9110 section 15.5.6).
    private(set) var allow: String?

    /// Combines a response with the fate of its connection.
    init(_ response: ConsoleResponse, keepsConnection: Bool) {
        self.response = response
        self.keepsConnection = keepsConnection
    }

    /// What is wrong with a request; the connection ends, since what follows cannot be trusted.
    static func refusal(_ status: Int, _ reason: String) -> ConsoleAnswer {
        ConsoleAnswer(ConsoleResponse(status: status, text: reason + "\n"), keepsConnection: false)
    }

    static func methodNotAllowed(keepsConnection: Bool) -> ConsoleAnswer {
        var answer = ConsoleAnswer(
            ConsoleResponse(status: 405, text: "the console only answers GET and HEAD\n"),
            keepsConnection: keepsConnection)
        answer.allow = "GET, HEAD"
        return answer
    }

    /// The answer to bytes that are no request; `nil`: it is not the request that is wrong.
    init?(to error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            self = .refusal(431, "the request headers are too large")
        case HTTPParserError.invalidVersion:
            self = .refusal(505, "the console speaks HTTP/1.1")
        case is BareLineFeedFilter.BareLineFeed:
            self = .refusal(400, "each line of a request ends with CR LF, this one with LF alone")
        case is HTTPParserError:
            self = .refusal(400, "this is not an HTTP/1.1 request")
        default: return nil
        }
    }

    /// The head of the response.
    ///
    /// - Parameter date: the time now, for the `Date` header (RFC 9110 section 6.6.1).
    func head(date: String) -> HTTPResponseHead {
        var headers = HTTPHeaders()
        headers.add(name: "date", value: date)
        headers.add(name: "content-type", value: response.contentType)
        headers.add(name: "content-length", value: String(response.body.count))
        headers.add(name: "cache-control", value: "no-store")
        headers.add(name: "x-content-type-options", value: "nosniff")
        if response.variesByAccept { headers.add(name: "vary", value: "accept") }
        if let allow { headers.add(name: "allow", value: allow) }
        if !keepsConnection { headers.add(name: "connection", value: "close") }
        return HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status),
            headers: headers)
    }
}
