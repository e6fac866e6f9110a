import AsyncHTTPClient
import Coordination
import JSON
import NIOCore
import NIOHTTP1

/// An exchange that speaks MEXC's REST: the live one, or the simulator on loopback.
///
/// Requests are paced, each has its own time limit and size limit, and none is repeated here:
/// every trouble is a ``MarketFailure`` that says whether and when another attempt makes sense,
/// and the workflow's retry policy does the rest.
struct RESTMarket: MarketData {
    let source: MarketSource
    /// No request takes longer than this, whatever its own limit. Default: no such limit.
    var timeoutLimitMillis = Int64.max
    /// What each request's own time limit is multiplied by, 1 to 1,000. Default 1; more where the
    /// exchange or this machine is slow.
    var patience: Int64 = 1
    private let apiBase: String
    private let webBase: String
    private let client: HTTPClient
    private let pacer: RequestPacer

    /// - Parameters:
    ///   - apiBase: where `/api/v3/…` is, such as `https://api.mexc.com`, without a slash at the
    ///     end.
    ///   - webBase: where `/api/platform/…` and `/api/operation/…` are.
    ///   - client: default one that lives as long as the process.
    init(
        kind: MarketSource.Kind, apiBase: String, webBase: String,
        client: HTTPClient = RESTMarket.sharedClient,
        pace: RequestPace = RequestPace()
    ) {
        source = MarketSource(kind: kind, name: apiBase)
        self.apiBase = apiBase
        self.webBase = webBase
        self.client = client
        pacer = RequestPacer(pace)
    }

    /// Never shut down. A connection that is refused is reported at once, with the reason, instead
    /// of being tried again until the time is up: trying again is the workflow's business.
    static let sharedClient: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func now() async throws(StepFailure) -> UTCInstant {
        let answer = try await ask(.time)
        guard let millis = answer.document.root["serverTime"]?.int64 else {
            throw MarketFailure.invalidAnswer(answer.url, "it has no serverTime")
        }
        return UTCInstant(millis: millis)
    }

    func symbols(quote: String) async throws(StepFailure) -> SymbolList {
        let text = try await symbolText()
        do throws(SymbolListReader.Fault) {
            return try SymbolListReader.read(text.body, quote: quote)
        } catch {
            switch error {
            case .notJSON(let fault):
                throw MarketFailure.invalidAnswer(text.url, "it is no JSON at \(fault)")
            case .foreign(let found):
                throw MarketFailure.invalidAnswer(text.url, "it is \(found)")
            case .noSuchQuote(let available):
                throw MarketFailure.unknownQuote(quote, available: available, in: text.url)
            }
        }
    }

    /// The newer list; the older one where the exchange does not have it.
    private func symbolText() async throws(StepFailure) -> RawAnswer {
        let newer = try await fetch(.symbolsV2)
        guard newer.status == 404 else { return try await checked(newer, .symbolsV2) }
        return try await checked(fetch(.symbolsV1), .symbolsV1)
    }

    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar {
        let answer = try await ask(.calendar(at: now))
        guard let calendar = NewCoinCalendar(answer.document.root) else {
            throw MarketFailure.invalidAnswer(answer.url, "it has no list data.newCoins")
        }
        return calendar
    }

    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol {
        let answer = try await ask(.exchangeInfo(symbol))
        guard let symbols = answer.document.root["symbols"], symbols.kind == .array else {
            throw MarketFailure.invalidAnswer(answer.url, "it has no list of symbols")
        }
        let found = symbols.elements.first { $0["symbol"]?.string == symbol }
        guard let found else { throw MarketFailure.unknownSymbol(symbol, source.name) }
        return try value(ExchangeSymbol(found), answer.url, "trading rules")
    }

    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle] {
        let answer = try await ask(.klines(query))
        guard answer.document.root.kind == .array else {
            throw MarketFailure.invalidAnswer(answer.url, "it is no list of candles")
        }
        let candles = answer.document.root.elements.map { Candle($0) }
        guard !candles.contains(where: { $0 == nil }) else {
            throw MarketFailure.invalidAnswer(answer.url, "some rows are no candles")
        }
        return candles.compactMap { $0 }
    }

    func ticker(symbol: String) async throws(StepFailure) -> Ticker {
        let answer = try await ask(.ticker(symbol))
        return try value(Ticker(answer.document.root), answer.url, "ticker")
    }

    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook {
        let answer = try await ask(.depth(symbol, limit: limit))
        return try value(OrderBook(answer.document.root), answer.url, "order book")
    }

    private func value<Value>(
        _ read: Value?, _ url: String, _ what: String
    ) throws(StepFailure) -> Value {
        guard let read else { throw MarketFailure.invalidAnswer(url, "it is no \(what)") }
        return read
    }
}

// MARK: Asking

extension RESTMarket {
    /// An answer as it came, whatever its status.
    private struct RawAnswer {
        var url: String
        var status: UInt
        var retryAfterSeconds: Int64?
        var body: [UInt8]
    }

    /// Asks and reads the answer as JSON.
    private func ask(
        _ endpoint: RESTEndpoint
    ) async throws(StepFailure) -> (url: String, document: JSONDocument) {
        let answer = try await checked(fetch(endpoint), endpoint)
        do {
            return (answer.url, try JSONDocument(parsing: answer.body))
        } catch {
            throw MarketFailure.invalidAnswer(answer.url, "it is no JSON at \(error)")
        }
    }

    private func fetch(_ endpoint: RESTEndpoint) async throws(StepFailure) -> RawAnswer {
        try await pacer.waitForTurn()
        let url = (endpoint.base == .api ? apiBase : webBase) + endpoint.target
        let millis = min(endpoint.timeoutMillis * patience, timeoutLimitMillis)
        do {
            return try await limited(millis: millis) {
                try await exchange(url, maxBytes: endpoint.maxBytes, millis: millis)
            }
        } catch is NIOTooManyBytesError {
            throw MarketFailure.invalidAnswer(url, "it has more than \(endpoint.maxBytes) bytes")
        } catch is RequestTimedOut {
            throw MarketFailure.unreachable(
                url, "no complete answer within \(millis) ms")
        } catch {
            throw MarketFailure.unreachable(url, "\(error)")
        }
    }

    private func exchange(
        _ url: String, maxBytes: Int, millis: Int64
    ) async throws -> RawAnswer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "Accept-Encoding", value: "gzip")
        request.headers.add(name: "User-Agent", value: "cadre")
        let response = try await client.execute(
            request, timeout: .milliseconds(millis))
        let body = try await response.body.collect(upTo: maxBytes)
        return RawAnswer(
            url: url, status: response.status.code,
            retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap { Int64($0) },
            body: [UInt8](body.readableBytesView))
    }

    /// Lets 2xx pass and turns every other status into a failure.
    private func checked(
        _ answer: RawAnswer, _ endpoint: RESTEndpoint
    ) async throws(StepFailure) -> RawAnswer {
        switch answer.status {
        case 200..<300: return answer
        case 418, 429: throw await rateLimited(answer)
        case 500...: throw serverError(answer)
        default: throw refused(answer, endpoint)
        }
    }

    /// 429 asks for a pause; 418 is the ban for not having made one. Both hold all requests back.
    private func rateLimited(_ answer: RawAnswer) async -> StepFailure {
        // Without a header: a minute, six of the exchange's windows. At most the longest ban.
        let seconds = max(Self.waitMillis(seconds: answer.retryAfterSeconds ?? 60) / 1_000, 1)
        await pacer.pause(millis: seconds * 1_000)
        return StepFailure(
            type: "rate_limited",
            message: "\(answer.url) answered \(answer.status): too many requests from this "
                + "address. Nothing is asked for \(seconds) s; then it can be tried again.",
            retryable: true, retryAfterMillis: seconds * 1_000)
    }

    /// A wait that an answer asks for, milliseconds: 0 to three days, the longest ban. The number
    /// comes from outside and can be anything.
    static func waitMillis(seconds: Int64) -> Int64 {
        min(max(seconds, 0), 3 * 86_400) * 1_000
    }

    private func serverError(_ answer: RawAnswer) -> StepFailure {
        StepFailure(
            type: "exchange_error",
            message: "\(answer.url) answered \(answer.status): the exchange has trouble. Try "
                + "again later.",
            retryable: true, retryAfterMillis: answer.retryAfterSeconds.map(Self.waitMillis))
    }

    private func refused(_ answer: RawAnswer, _ endpoint: RESTEndpoint) -> StepFailure {
        let root = try? JSONDocument(parsing: answer.body).root
        let code = root?["code"]?.int64
        if let symbol = endpoint.symbol, let code, RESTMarket.unknownSymbolCodes.contains(code) {
            return MarketFailure.unknownSymbol(symbol, source.name)
        }
        let said = root?["msg"]?.string.map { ", saying \"\($0.prefix(200))\"" } ?? ""
        return StepFailure(
            type: "exchange_refused",
            message: "\(answer.url) refused with \(answer.status)\(said). Check the address; 403 "
                + "means that a firewall keeps this machine out.",
            retryable: false)
    }

    /// Bad symbol, invalid symbol (30014, 30021), and the code that other exchanges use.
    private static let unknownSymbolCodes: Set<Int64> = [10007, 30014, 30021, -1121]
}

/// Nobody answered in time.
private struct RequestTimedOut: Error {}

/// Runs `work`, cancels it after `millis`. The client's own limit ends with the answer's head, so
/// an answer that trickles in needs this one.
private func limited<Value: Sendable>(
    millis: Int64, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: .milliseconds(millis))
            throw RequestTimedOut()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw RequestTimedOut() }
        return value
    }
}
