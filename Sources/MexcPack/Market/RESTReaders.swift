import JSON

extension JSONView {
    /// A string's characters, or a number as it is written: the exchange uses both for amounts.
    var amount: String? { string ?? numberText }

    /// A whole number, also one that is written as a string.
    fileprivate var wholeNumber: Int64? { int64 ?? string.flatMap { Int64($0) } }
}

extension NewCoinCalendar {
    /// Reads `data.newCoins`; `nil` when there is no such list.
    ///
    /// No recording of this answer exists; other clients know its fields under several names.
    init?(_ root: JSONView) {
        let list = root["data"]?["newCoins"] ?? root["data"]
        guard let list, list.kind == .array else { return nil }
        entries = list.elements.compactMap { CalendarEntry($0) }
        unidentified = list.count - entries.count
    }
}

extension CalendarEntry {
    /// `nil` without coin id, symbol or time.
    init?(_ entry: JSONView) {
        guard let vcoinID = (entry["vcoinId"] ?? entry["id"])?.identifier,
            let symbol = (entry["vcoinName"] ?? entry["symbol"])?.string, !symbol.isEmpty,
            let time = (entry["firstOpenTime"] ?? entry["first_open_time"])?.wholeNumber,
            let opening = UTCInstant(exchangeMillis: time)
        else { return nil }
        self.init(
            vcoinID: vcoinID, symbol: symbol.cut(toBytes: TextLimit.ticker),
            projectName: (entry["vcoinNameFull"] ?? entry["projectName"])?.string?
                .cut(toBytes: TextLimit.name),
            firstOpenMillis: opening.millis)
    }
}

extension ExchangeSymbol {
    /// `nil` without symbol, status or assets.
    init?(_ entry: JSONView) {
        guard let symbol = entry["symbol"]?.string, let status = entry["status"]?.amount,
            let baseAsset = entry["baseAsset"]?.string,
            let quoteAsset = entry["quoteAsset"]?.string
        else { return nil }
        self.init(
            symbol: symbol, status: status, baseAsset: baseAsset, quoteAsset: quoteAsset,
            quotePrecision: entry["quotePrecision"]?.smallInteger,
            baseAssetPrecision: entry["baseAssetPrecision"]?.smallInteger,
            baseSizePrecision: entry["baseSizePrecision"]?.amount,
            quoteAmountPrecision: entry["quoteAmountPrecision"]?.amount,
            isSpotTradingAllowed: entry["isSpotTradingAllowed"]?.bool,
            makerCommission: entry["makerCommission"]?.amount,
            takerCommission: entry["takerCommission"]?.amount)
    }
}

extension Candle {
    /// Reads the eight columns of a row: open time, open, high, low, close, volume, close time,
    /// quote volume. `nil` when one is missing.
    init?(_ row: JSONView) {
        let columns = Array(row.elements)
        guard columns.count >= 8, let opened = columns[0].int64, let closed = columns[6].int64
        else { return nil }
        let amounts = [1, 2, 3, 4, 5, 7].compactMap { columns[$0].amount }
        guard amounts.count == 6 else { return nil }
        self.init(
            openMillis: opened, open: amounts[0], high: amounts[1], low: amounts[2],
            close: amounts[3], volume: amounts[4], closeMillis: closed, quoteVolume: amounts[5])
    }
}

extension Ticker {
    /// `nil` without symbol, last price or a price of the day.
    init?(_ root: JSONView) {
        guard let symbol = root["symbol"]?.string, let last = root["lastPrice"]?.amount,
            let open = root["openPrice"]?.amount, let high = root["highPrice"]?.amount,
            let low = root["lowPrice"]?.amount
        else { return nil }
        self.init(
            symbol: symbol, lastPrice: last, openPrice: open, highPrice: high, lowPrice: low,
            bidPrice: root["bidPrice"]?.amount, askPrice: root["askPrice"]?.amount,
            volume: root["volume"]?.amount, quoteVolume: root["quoteVolume"]?.amount,
            priceChangePercent: root["priceChangePercent"]?.amount)
    }
}

extension OrderBook {
    /// `nil` when a side is missing or a level is no pair of price and quantity.
    init?(_ root: JSONView) {
        guard let bids = OrderBook.levels(root["bids"]), let asks = OrderBook.levels(root["asks"])
        else { return nil }
        self.init(lastUpdateID: root["lastUpdateId"]?.int64, bids: bids, asks: asks)
    }

    private static func levels(_ side: JSONView?) -> [Level]? {
        guard let side, side.kind == .array else { return nil }
        let levels = side.elements.compactMap { level -> Level? in
            guard let price = level[0]?.amount, let quantity = level[1]?.amount else { return nil }
            return Level(price: price, quantity: quantity)
        }
        return levels.count == side.count ? levels : nil
    }
}
