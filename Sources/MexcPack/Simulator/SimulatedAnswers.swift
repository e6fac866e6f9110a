import JSON

/// The texts that the simulated exchange answers with, in the shapes of the real one.
enum SimulatedAnswers {
    /// `GET /api/v3/time`.
    static func time(_ millis: Int64) -> [UInt8] {
        object { $0.member("serverTime", millis) }
    }

    /// An error as the exchange writes it.
    static func error(_ code: Int, _ message: String) -> [UInt8] {
        object {
            $0.member("code", Int64(code))
            $0.member("msg", message)
        }
    }

    /// `/web/symbolsV2`, or with `isOld` `/web/symbols`, which lacks one level.
    static func symbolList(_ coins: [SimulatedCoin], at millis: Int64, isOld: Bool) -> [UInt8] {
        var writer = JSONWriter(reservedBytes: 600 * coins.count)
        writer.beginObject()
        writer.key("data")
        writer.beginObject()
        if !isOld {
            writer.key("symbols")
            writer.beginObject()
        }
        writer.key("USDT")
        writer.beginArray()
        for coin in coins where coin.isListed(at: millis) { writer.entry(coin, at: millis) }
        writer.endArray()
        if !isOld { writer.endObject() }
        writer.endObject()
        writer.member("code", 0)
        writer.endObject()
        return writer.finish()
    }

    /// `GET /api/operation/new_coin_calendar`.
    static func calendar(_ coins: [SimulatedCoin], at millis: Int64) -> [UInt8] {
        object { writer in
            writer.key("data")
            writer.beginObject()
            writer.key("newCoins")
            writer.beginArray()
            for coin in coins where coin.isInCalendar(at: millis) {
                writer.beginObject()
                writer.member("vcoinId", coin.vcoinID)
                writer.member("vcoinName", coin.ticker)
                writer.member("vcoinNameFull", coin.name)
                writer.member("firstOpenTime", coin.plannedOpening)
                writer.member("zone", "NEW")
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// `GET /api/v3/exchangeInfo` for some coins.
    static func exchangeInfo(_ coins: [SimulatedCoin], at millis: Int64) -> [UInt8] {
        object { writer in
            writer.member("timezone", "CST")
            writer.member("serverTime", millis)
            writer.key("rateLimits")
            writer.beginArray()
            writer.endArray()
            writer.key("symbols")
            writer.beginArray()
            for coin in coins { writer.rules(coin) }
            writer.endArray()
        }
    }

    /// `GET /api/v3/klines`: rows of eight columns.
    static func klines(
        _ rows: [(from: Int64, to: Int64, span: SimulatedPrices.Span)], _ coin: SimulatedCoin
    ) -> [UInt8] {
        var writer = JSONWriter(reservedBytes: 100 * rows.count)
        writer.beginArray()
        for row in rows {
            writer.beginArray()
            writer.integer(row.from)
            for ticks in [row.span.open, row.span.high, row.span.low, row.span.close] {
                writer.string(decimalText(ticks, scale: coin.priceScale))
            }
            writer.string(quantityText(row.span.volume, coin))
            writer.integer(row.to)
            writer.string(quantityText(row.span.quoteVolume, coin))
            writer.endArray()
        }
        writer.endArray()
        return writer.finish()
    }

    /// `GET /api/v3/depth`.
    static func depth(
        _ coin: SimulatedCoin, _ prices: SimulatedPrices, at millis: Int64, limit: Int
    ) -> [UInt8] {
        let book = prices.book(coin, millis, limit: limit)
        return object { writer in
            writer.member("lastUpdateId", millis / 1_000)
            for (name, side) in [("bids", book.bids), ("asks", book.asks)] {
                writer.key(name)
                writer.beginArray()
                for level in side {
                    writer.beginArray()
                    writer.string(decimalText(level.ticks, scale: coin.priceScale))
                    writer.string(quantityText(level.quantity, coin))
                    writer.endArray()
                }
                writer.endArray()
            }
            writer.member("timestamp", millis)
        }
    }

    private static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        body(&writer)
        writer.endObject()
        return writer.finish()
    }
}

extension JSONWriter {
    /// One entry of the symbol list: (2,2,4) before the opening, (1,1,1) after it.
    fileprivate mutating func entry(_ coin: SimulatedCoin, at millis: Int64) {
        let isLive = coin.isLive(at: millis)
        beginObject()
        member("id", coin.pairID)
        member("mcd", "128f589271cb4951b03e71e6323eb7be")
        member("cd", coin.vcoinID)
        member("vn", coin.ticker)
        member("fn", coin.name)
        member("srt", Int64(coin.serial % 10_000))
        member("sts", isLive ? 1 : 2)
        member("tp", "NEW")
        member("in", "")
        member("fot", coin.plannedOpening)
        member("ot", coin.plannedOpening)
        key("cp")
        beginArray()
        for zone in coin.zones { string(zone) }
        endArray()
        key("ci")
        beginArray()
        endArray()
        member("ps", Int64(coin.priceScale))
        member("qs", Int64(coin.quantityScale))
        member("cdm", 1)
        member("st", isLive ? 1 : 2)
        member("dst", 1)
        member("tt", isLive ? 1 : 4)
        member("ca", coin.contractAddress)
        endObject()
    }

    fileprivate mutating func rules(_ coin: SimulatedCoin) {
        beginObject()
        member("symbol", coin.symbol)
        member("status", "1")
        member("baseAsset", coin.ticker)
        member("baseAssetPrecision", Int64(coin.quantityScale))
        member("quoteAsset", "USDT")
        member("quotePrecision", Int64(coin.priceScale))
        member("baseSizePrecision", decimalText(1, scale: coin.quantityScale))
        member("quoteAmountPrecision", "1")
        key("isSpotTradingAllowed")
        bool(true)
        member("makerCommission", "0")
        member("takerCommission", "0.0005")
        member("fullName", coin.name)
        member("contractAddress", coin.contractAddress)
        key("st")
        bool(false)
        endObject()
    }
}
