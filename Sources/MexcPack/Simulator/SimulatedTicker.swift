import JSON

/// The three answers of `GET /api/v3/ticker/…` for one coin.
enum SimulatedTicker {
    /// `/ticker/24hr`: since a day ago or since the opening.
    static func day(
        _ coin: SimulatedCoin, _ prices: SimulatedPrices, at millis: Int64
    ) -> [UInt8] {
        let from = max(coin.opening ?? millis, millis - UTCInstant.millisPerDay)
        let span = prices.span(coin, from, millis)
        let change = Double(span.close - span.open) / Double(span.open)
        func text(_ ticks: Int64) -> String { decimalText(ticks, scale: coin.priceScale) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("symbol", coin.symbol)
        writer.member("priceChange", text(span.close - span.open))
        writer.member(
            "priceChangePercent", decimalText(Int64((change * 10_000).rounded()), scale: 4))
        writer.member("prevClosePrice", text(span.open))
        writer.member("lastPrice", text(span.close))
        writer.best(coin, prices, at: millis)
        writer.member("openPrice", text(span.open))
        writer.member("highPrice", text(span.high))
        writer.member("lowPrice", text(span.low))
        writer.member("volume", quantityText(span.volume, coin))
        writer.member("quoteVolume", quantityText(span.quoteVolume, coin))
        writer.member("openTime", from)
        writer.member("closeTime", millis)
        writer.key("count")
        writer.null()
        writer.endObject()
        return writer.finish()
    }

    /// `/ticker/price`.
    static func price(
        _ coin: SimulatedCoin, _ prices: SimulatedPrices, at millis: Int64
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("symbol", coin.symbol)
        writer.member("price", decimalText(prices.ticks(coin, millis), scale: coin.priceScale))
        writer.endObject()
        return writer.finish()
    }

    /// `/ticker/bookTicker`.
    static func book(
        _ coin: SimulatedCoin, _ prices: SimulatedPrices, at millis: Int64
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("symbol", coin.symbol)
        writer.best(coin, prices, at: millis)
        writer.endObject()
        return writer.finish()
    }
}

extension JSONWriter {
    /// The best bid and ask, the same as the first levels of the book.
    fileprivate mutating func best(
        _ coin: SimulatedCoin, _ prices: SimulatedPrices, at millis: Int64
    ) {
        let book = prices.book(coin, millis, limit: 1)
        for (name, level) in [("bid", book.bids.first), ("ask", book.asks.first)] {
            guard let level else { continue }
            member("\(name)Price", decimalText(level.ticks, scale: coin.priceScale))
            member("\(name)Qty", quantityText(level.quantity, coin))
        }
    }
}
