/// One question to the exchange: where, with what, and for how long.
struct RESTEndpoint: Sendable {
    /// The exchange answers its documented API and its web pages under two addresses.
    enum Base: Sendable, Hashable { case api, web }

    var base: Base
    var path: String
    /// In this order; names and values need no escaping.
    var query: [(name: String, value: String)] = []
    /// From the turn to the last byte, milliseconds. Default 10,000.
    var timeoutMillis: Int64 = 10_000
    /// The largest answer, bytes. Default 4 MiB.
    var maxBytes: Int = 4 << 20
    /// The symbol that is asked for, so that an error can name it.
    var symbol: String?

    /// The path with its query.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}

extension RESTEndpoint {
    static let time = RESTEndpoint(base: .api, path: "/api/v3/time", timeoutMillis: 5_000)

    /// About 1.5 MB for 2,900 entries, in the quote currency's envelope.
    static let symbolsV2 = symbolList("/api/platform/spot/market-v2/web/symbolsV2")
    static let symbolsV1 = symbolList("/api/platform/spot/market-v2/web/symbols")

    private static func symbolList(_ path: String) -> RESTEndpoint {
        RESTEndpoint(
            base: .web, path: path, maxBytes: SymbolListReader.maxBytes)
    }

    /// Slow at times, but not essential: asked beside the list, and given up early enough to end
    /// the fetch step inside its 20 seconds after 5 for the time.
    static func calendar(at instant: UTCInstant) -> RESTEndpoint {
        RESTEndpoint(
            base: .web, path: "/api/operation/new_coin_calendar",
            query: [("timestamp", String(instant.millis))], timeoutMillis: 14_000)
    }

    static func exchangeInfo(_ symbol: String) -> RESTEndpoint {
        one(symbol, "/api/v3/exchangeInfo")
    }

    static func ticker(_ symbol: String) -> RESTEndpoint { one(symbol, "/api/v3/ticker/24hr") }

    static func depth(_ symbol: String, limit: Int) -> RESTEndpoint {
        one(symbol, "/api/v3/depth", ("limit", String(limit)))
    }

    static func klines(_ query: KlineQuery) -> RESTEndpoint {
        var endpoint = one(
            query.symbol, "/api/v3/klines", ("interval", query.interval.rawValue))
        if let start = query.startMillis { endpoint.query.append(("startTime", String(start))) }
        if let end = query.endMillis { endpoint.query.append(("endTime", String(end))) }
        endpoint.query.append(("limit", String(query.limit)))
        return endpoint
    }

    private static func one(
        _ symbol: String, _ path: String, _ more: (name: String, value: String)...
    ) -> RESTEndpoint {
        RESTEndpoint(
            base: .api, path: path, query: [("symbol", symbol)] + more, symbol: symbol)
    }
}
