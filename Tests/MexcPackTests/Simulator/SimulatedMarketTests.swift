import Foundation
import JSON
import Testing

@testable import MexcPack

struct SimulatedMarketTests {
    private let start = at("2026-03-02T10:20:00Z").millis
    private let seed: UInt64 = 7

    private func records(_ millis: Int64, seed: UInt64 = 7) throws -> [SymbolRecord] {
        var api = SimulatedAPI(seed: seed)
        let answer = api.answer(
            SimulatedAPI.Request(target: "/api/platform/spot/market-v2/web/symbolsV2"), at: millis,
            realMillis: 0)
        return try SymbolListReader.read(answer.body, quote: "USDT").records
    }

    @Test func `the same seed gives the same market, another seed another one`() throws {
        let first = try records(start)
        #expect(try records(start) == first)
        #expect(try records(start, seed: 8) != first)
    }

    @Test func `it looks like the recorded lists`() throws {
        let records = try records(start)
        let phases = Dictionary(grouping: records, by: \.triple)
        #expect(Set(phases.keys) == [.ready, .live])
        #expect((2_500...3_300).contains(phases[.live]?.count ?? 0))
        #expect((5...60).contains(phases[.ready]?.count ?? 0))
        let clock = OpeningClock(now: UTCInstant(millis: start))
        let states = Set(
            records.map { Listing($0, clock) }.filter { $0.phase != .live }.map(\.state))
        #expect(states.contains(.upcoming) && states.contains(.stale))
    }

    @Test func `no two listed coins share an id, and no two symbols a name`() throws {
        let records = try records(start)
        #expect(Set(records.map(\.vcoinID)).count == records.count)
        #expect(Set(records.map(\.pairID)).count == records.count)
        #expect(Set(records.map(\.ticker)).count == records.count)
    }

    @Test func `listings appear and go live within a day`() throws {
        let changes = ListTransitions(
            from: try records(start), to: try records(start + UTCInstant.millisPerDay))
        #expect(!changes.appeared.isEmpty && !changes.wentLive.isEmpty)
        #expect(changes.stopped.isEmpty && changes.rescheduled.isEmpty)
    }

    @Test func `over a month most open on time, some late, and a few of a year never`() {
        var market = SimulatedMarket(seed: seed)
        let month = 30 * UTCInstant.millisPerDay
        let coins = market.coins(at: start)
        let recent = coins.filter { (start - month..<start).contains($0.plannedOpening) }
        let late = recent.filter { ($0.opening ?? .max) > $0.plannedOpening }
        #expect(recent.count > 150)
        #expect((5...recent.count / 4).contains(late.count))
        for coin in late where coin.opening != nil {
            // Between its planned and its real opening it is (2,2,4) with a time that has passed.
            #expect(coin.isListed(at: coin.plannedOpening) && !coin.isLive(at: coin.plannedOpening))
            #expect(coin.isLive(at: coin.opening ?? 0))
        }
        #expect((1...20).contains(coins.count { $0.opening == nil }))
    }

    @Test func `the calendar announces before the list and agrees with it`() throws {
        var api = SimulatedAPI(seed: seed)
        let answer = api.answer(
            SimulatedAPI.Request(target: "/api/operation/new_coin_calendar?timestamp=1"),
            at: start, realMillis: 0)
        let calendar = try #require(
            NewCoinCalendar(try JSONDocument(parsing: answer.body).root))
        #expect(calendar.unidentified == 0)
        let listed = Dictionary(
            uniqueKeysWithValues: try records(start).map { ($0.vcoinID, $0.openMillis) })
        let both = calendar.entries.filter { listed[$0.vcoinID] != nil }
        #expect(!both.isEmpty && both.count < calendar.entries.count)
        for entry in both { #expect(listed[entry.vcoinID] == entry.firstOpenMillis) }
    }
}

struct SimulatedPricesTests {
    private var market = SimulatedMarket(seed: 7)
    private let now = at("2026-03-02T10:20:17Z").millis
    private let coin: SimulatedCoin

    init() throws {
        var market = SimulatedMarket(seed: 7)
        let now = self.now
        // One that opened some days ago, so that a whole day of trade lies behind it.
        coin = try #require(
            market.coins(at: now).last {
                $0.isLive(at: now) && now - $0.plannedOpening > 4 * UTCInstant.millisPerDay
            })
    }

    private func candles(_ interval: KlineInterval, limit: Int) throws -> [Candle] {
        let root = try json("klines", "&interval=\(interval.rawValue)&limit=\(limit)")
        return root.elements.compactMap { Candle($0) }
    }

    private func json(_ path: String, _ more: String = "") throws -> JSONView {
        var api = SimulatedAPI(seed: 7)
        let target = "/api/v3/\(path)?symbol=\(coin.symbol)\(more)"
        let answer = api.answer(SimulatedAPI.Request(target: target), at: now, realMillis: 0)
        #expect(answer.status == 200)
        return try JSONDocument(parsing: answer.body).root
    }

    private func number(_ text: String?) -> Double { Double(text ?? "") ?? .nan }

    @Test(arguments: [KlineInterval.oneMinute, .fiveMinutes, .oneHour])
    func `candles are contiguous, each opens where the last closed`(
        interval: KlineInterval
    ) throws {
        let candles = try candles(interval, limit: 20)
        #expect(candles.count == 20)
        for (earlier, later) in zip(candles, candles.dropFirst()) {
            #expect(later.openMillis - earlier.openMillis == interval.millis)
            #expect(earlier.closeMillis == later.openMillis)
            #expect(earlier.close == later.open)
        }
        for candle in candles {
            let ends = [number(candle.open), number(candle.close)]
            #expect(number(candle.high) >= ends.max() ?? .nan)
            #expect(number(candle.low) <= ends.min() ?? .nan && number(candle.low) > 0)
            let mean = number(candle.quoteVolume) / number(candle.volume)
            #expect(mean >= number(candle.low) * 0.999 && mean <= number(candle.high) * 1.001)
        }
    }

    @Test func `long candles contain the short ones`() throws {
        let hour = try #require(try candles(.oneHour, limit: 2).first)
        let minutes = try candles(.oneMinute, limit: 200).filter {
            (hour.openMillis..<hour.closeMillis).contains($0.openMillis)
        }
        #expect(minutes.count == 60)
        #expect(minutes.first?.open == hour.open && minutes.last?.close == hour.close)
        #expect(minutes.map { number($0.high) }.max() == number(hour.high))
        #expect(minutes.map { number($0.low) }.min() == number(hour.low))
        let volume = minutes.reduce(0) { $0 + number($1.volume) }
        #expect(abs(volume / number(hour.volume) - 1) < 0.001)
    }

    @Test func `tickers, candles and book tell the same price`() throws {
        let day = try #require(Ticker(try json("ticker/24hr")))
        let price = try json("ticker/price")["price"]?.string
        let book = try #require(OrderBook(try json("depth", "&limit=5")))
        let last = try #require(try candles(.oneMinute, limit: 3).last)
        #expect(day.lastPrice == price && last.close == price)
        #expect(day.bidPrice == book.bids.first?.price && day.askPrice == book.asks.first?.price)
        #expect(try json("ticker/bookTicker")["bidPrice"]?.string == day.bidPrice)
        #expect(number(day.bidPrice) < number(price) && number(price) < number(day.askPrice))
        #expect(book.bids.count == 5 && book.asks.count == 5)
        for hour in try candles(.oneHour, limit: 23) {
            #expect(number(hour.high) <= number(day.highPrice))
            #expect(number(hour.low) >= number(day.lowPrice))
        }
    }

    @Test func `a new coin rises steeply in its first hour`() throws {
        let opening = try #require(coin.opening)
        let prices = SimulatedPrices(hash: SeededHash(seed: 7))
        let hour = prices.span(coin, opening, opening + UTCInstant.millisPerHour)
        #expect(hour.high > 3 * hour.open && hour.close < hour.high)
    }

    @Test func `a symbol that does not trade yet is not known`() throws {
        var market = SimulatedMarket(seed: 7)
        let coming = try #require(
            market.coins(at: now).first { $0.isListed(at: now) && !$0.isLive(at: now) })
        var api = SimulatedAPI(seed: 7)
        let answer = api.answer(
            SimulatedAPI.Request(target: "/api/v3/ticker/price?symbol=\(coming.symbol)"), at: now,
            realMillis: 0)
        #expect(answer.status == 400)
        #expect(try JSONDocument(parsing: answer.body).root["code"]?.int64 == 10007)
    }
}
