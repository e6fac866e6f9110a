/// The simulated exchange without its sockets: a request and an instant in, an answer out.
struct SimulatedAPI {
    /// What goes back over the wire.
    struct Answer: Sendable, Hashable {
        var status: Int
        var body: [UInt8]
        /// Seconds, with 429.
        var retryAfter: Int64?
    }

    /// What came over the wire.
    struct Request: Sendable, Hashable {
        var path: String
        var query: [String: String]

        /// Takes a request target such as `/api/v3/depth?symbol=X&limit=5` apart.
        init(target: String) {
            let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            path = String(parts.first ?? "")
            query = [:]
            for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
                // "=" alone is a pair too: an empty name with an empty value.
                let sides = pair.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                query[String(sides[0])] = sides.count > 1 ? String(sides[1]) : ""
            }
        }
    }

    var faults = ExchangeFaults.none
    private var market: SimulatedMarket
    private var rates: RateWindow
    private var requestCount: UInt64 = 0

    init(
        seed: UInt64, rates: RateWindow = RateWindow(),
        lifeDays: Int = SimulatedMarket.defaultLifeDays
    ) {
        market = SimulatedMarket(seed: seed, lifeDays: lifeDays)
        self.rates = rates
    }

    /// Answers at a market time; the rate limit runs on real time.
    mutating func answer(_ request: Request, at millis: Int64, realMillis: Int64) -> Answer {
        requestCount += 1
        if faults.isForbidding { return failure(403, 403, "Forbidden") }
        let weight = request.path.hasSuffix("/exchangeInfo") ? 10 : 1
        if let seconds = rates.take(weight, request.path, nowMillis: realMillis) {
            var answer = failure(429, 429, "Too Many Requests")
            answer.retryAfter = seconds
            return answer
        }
        if market.hash.unit(requestCount, SimulatedAPI.errorAspect) < faults.errorRate {
            return failure(503, 503, "Service Unavailable")
        }
        if let body = faults.bodies[request.path] { return ok(Array(body.utf8)) }
        return route(request, at: millis)
    }

    private mutating func route(_ request: Request, at millis: Int64) -> Answer {
        switch request.path {
        case "/api/v3/ping": ok(Array("{}".utf8))
        case "/api/v3/time": ok(SimulatedAnswers.time(millis))
        case "/api/platform/spot/market-v2/web/symbolsV2":
            ok(SimulatedAnswers.symbolList(market.coins(at: millis), at: millis, isOld: false))
        case "/api/platform/spot/market-v2/web/symbols":
            ok(SimulatedAnswers.symbolList(market.coins(at: millis), at: millis, isOld: true))
        case "/api/operation/new_coin_calendar":
            ok(SimulatedAnswers.calendar(market.coins(at: millis), at: millis))
        case "/api/v3/exchangeInfo": exchangeInfo(request, at: millis)
        default: ofOneSymbol(request, at: millis)
        }
    }

    private mutating func exchangeInfo(_ request: Request, at millis: Int64) -> Answer {
        guard let symbol = request.query["symbol"] else {
            let live = market.coins(at: millis).filter { $0.isLive(at: millis) }
            return ok(SimulatedAnswers.exchangeInfo(live, at: millis))
        }
        guard let coin = market.liveCoin(symbol, at: millis) else { return badSymbol }
        return ok(SimulatedAnswers.exchangeInfo([coin], at: millis))
    }

    /// The paths that need a symbol. A symbol that does not trade yet is not known to them.
    private mutating func ofOneSymbol(_ request: Request, at millis: Int64) -> Answer {
        let known = ["klines", "depth", "ticker/24hr", "ticker/price", "ticker/bookTicker"]
        guard let name = known.first(where: { request.path == "/api/v3/\($0)" }) else {
            return failure(404, 404, "Not Found")
        }
        guard let symbol = request.query["symbol"] else {
            return failure(400, 400, "the simulated exchange needs a symbol here")
        }
        guard let coin = market.liveCoin(symbol, at: millis) else { return badSymbol }
        let prices = market.prices
        switch name {
        case "klines": return klines(request, coin, at: millis)
        case "depth":
            let limit = min(max(Int(request.query["limit"] ?? "") ?? 100, 1), 5_000)
            return ok(SimulatedAnswers.depth(coin, prices, at: millis, limit: limit))
        case "ticker/24hr": return ok(SimulatedTicker.day(coin, prices, at: millis))
        case "ticker/price": return ok(SimulatedTicker.price(coin, prices, at: millis))
        default: return ok(SimulatedTicker.book(coin, prices, at: millis))
        }
    }

    /// Rows are aligned to their interval; the first begins before the opening if it contains it.
    private func klines(_ request: Request, _ coin: SimulatedCoin, at millis: Int64) -> Answer {
        guard let interval = KlineInterval(rawValue: request.query["interval"] ?? "") else {
            return failure(400, 400, "Invalid interval.")
        }
        let length = interval.millis
        let limit = Int64(min(max(Int(request.query["limit"] ?? "") ?? 500, 1), 1_000))
        let opening = coin.opening ?? millis
        // Whatever the number: inside these bounds nothing below overflows.
        let end = max(min(request.query["endTime"].flatMap { Int64($0) } ?? millis, millis), 0)
        let oldest = max(opening, millis - SimulatedAPI.historyMillis) / length * length
        let asked = request.query["startTime"].flatMap { Int64($0) }
        var from = max(oldest, (asked ?? end - (limit - 1) * length) / length * length)
        var rows: [(from: Int64, to: Int64, span: SimulatedPrices.Span)] = []
        while from <= end, rows.count < Int(limit) {
            let (first, last) = (max(from, opening), min(from + length, millis))
            rows.append((from, from + length, market.prices.span(coin, first, max(first, last))))
            from += length
        }
        return ok(SimulatedAnswers.klines(rows, coin))
    }

    /// How far back candles go: computing older ones costs as much as they are useless.
    private static let historyMillis = 90 * UTCInstant.millisPerDay
    private static let errorAspect: UInt64 = 77

    private var badSymbol: Answer { failure(400, 10007, "bad symbol") }

    private func ok(_ body: [UInt8]) -> Answer { Answer(status: 200, body: body) }

    private func failure(_ status: Int, _ code: Int, _ message: String) -> Answer {
        Answer(status: status, body: SimulatedAnswers.error(code, message))
    }
}
