import AgentKit
import Coordination

/// The agent `mexc-api`: hands market data to whoever works with it.
///
/// It is the only agent that talks to the exchange. An answer of the exchange that cannot be had
/// is a failure of the operation, never an empty result.
struct MexcAPIAgent: Agent {
    static let type = "mexc-api"
    let market: any MarketData

    /// Reading a symbol list takes some milliseconds of processor time.
    var execution: AgentExecution { .ownThread }

    var operations: [AgentOperation] {
        [
            AgentOperation(
                "symbols", "The symbol list: pairs not open yet in full, the rest as counts.",
                isIdempotent: true
            ) { (request: SymbolsRequest, context: AgentContext) in
                try await symbols(request, guarded(context))
            },
            AgentOperation("calendar", "The new-coin calendar.", isIdempotent: true) {
                (_: NoInput, context: AgentContext) in try await calendar(guarded(context))
            },
            AgentOperation("ticker", "The last 24 hours of a symbol.", isIdempotent: true) {
                (request: SymbolRequest, context: AgentContext) in
                try await guarded(context).ticker(symbol: request.checked())
            },
            AgentOperation("klines", "Candles of a symbol, oldest first.", isIdempotent: true) {
                (request: KlinesRequest, context: AgentContext) in
                try await CandleList(candles: guarded(context).klines(request.query()))
            },
            AgentOperation("depth", "The order book of a symbol.", isIdempotent: true) {
                (request: DepthRequest, context: AgentContext) in
                try await guarded(context).depth(
                    symbol: request.checked(), limit: request.checkedLimit())
            },
            AgentOperation("exchange_info", "The trading rules of a symbol.", isIdempotent: true) {
                (request: SymbolRequest, context: AgentContext) in
                try await guarded(context).exchangeInfo(symbol: request.checked())
            },
            AgentOperation("server_time", "The market's clock.", isIdempotent: true) {
                (_: NoInput, context: AgentContext) in
                try await ServerTime(guarded(context).now(), market.source)
            },
        ]
    }

    private func guarded(_ context: AgentContext) -> any MarketData { market.guarded(context) }

    /// Healthy when the market tells its time, whatever the breaker thinks; degraded when it takes
    /// more than 3 seconds.
    func health() async throws -> AgentHealth {
        let clock = ContinuousClock()
        let start = clock.now
        do throws(StepFailure) {
            _ = try await market.now()
        } catch {
            return AgentHealth(state: .unhealthy, detail: error.message)
        }
        let latency = clock.now - start
        guard latency <= .seconds(3) else {
            return AgentHealth(
                state: .degraded, detail: "\(market.source.name) took \(latency) to tell its time")
        }
        return AgentHealth(state: .healthy)
    }

    private func symbols(
        _ request: SymbolsRequest, _ market: any MarketData
    ) async throws(StepFailure) -> MarketSnapshot {
        let quote = try request.checkedQuote()
        let time = try await market.now()
        async let calendar = calendarAnswer(request.calendar, at: time, market)
        let list = try await market.symbols(quote: quote)
        let snapshot = MarketSnapshot(
            list, at: time, from: market.source, calendar: await calendar,
            includingAll: request.all ?? false)
        try checkSize(snapshot)
        return snapshot
    }

    /// The calendar adds to the list; without it the list is still worth reporting.
    private func calendarAnswer(
        _ isWanted: Bool?, at now: UTCInstant, _ market: any MarketData
    ) async -> CalendarAnswer {
        guard isWanted ?? true else {
            return CalendarAnswer(missing: .notAsked, "the caller did not ask for it")
        }
        do throws(StepFailure) {
            return CalendarAnswer(try await market.calendar(at: now))
        } catch {
            let isRecorded = error.type != "not_recorded"
            return CalendarAnswer(
                missing: isRecorded ? .unavailable : .notRecorded, error.message)
        }
    }

    /// Thousands of pairs that all do not trade are no market but a format we do not know.
    private func checkSize(_ snapshot: MarketSnapshot) throws(StepFailure) {
        let listings = snapshot.preOpen.count + snapshot.calendarOnly.count
        guard listings > MexcAPIAgent.maxListings else { return }
        throw MarketFailure.invalidAnswer(
            snapshot.source.name,
            "\(listings) pairs are said not to trade, more than \(MexcAPIAgent.maxListings), so "
                + "its status numbers must mean something else now")
    }

    /// Recorded lists have 5 to 16; this many still fit a payload of 2 MiB at every step, each text of
    /// an entry being cut at its ``TextLimit``.
    static let maxListings = 1_000

    private func calendar(
        _ market: any MarketData
    ) async throws(StepFailure) -> CalendarReport {
        let time = try await market.now()
        let calendar = try await market.calendar(at: time)
        return CalendarReport(
            marketTime: time, source: market.source,
            unidentified: calendar.unidentified,
            entries: calendar.entries.sorted {
                ($0.firstOpenMillis, $0.vcoinID) < ($1.firstOpenMillis, $1.vcoinID)
            })
    }
}
