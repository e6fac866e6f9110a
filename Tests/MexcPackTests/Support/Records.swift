@testable import MexcPack

let noon = at("2025-06-30T12:00:00Z")

func at(_ text: String) -> UTCInstant {
    guard let instant = UTCInstant(iso8601: text) else { preconditionFailure("bad \(text)") }
    return instant
}

/// A complete pre-open record that opens `hours` after ``noon``; `nil`: without an opening time.
func preOpen(
    _ ticker: String = "FRAG", hours: Double?, name: String = "Fragmetric", coin: String? = nil
) -> SymbolRecord {
    var record = SymbolRecord(
        pairID: "pair-\(coin ?? ticker)", vcoinID: coin ?? "coin-\(ticker)", ticker: ticker)
    record.name = name
    record.status = 2
    record.spotStatus = 2
    record.tradingType = 4
    record.openMillis = hours.map { noon.adding(hours: $0).millis }
    record.firstOpenMillis = record.openMillis
    record.priceScale = 5
    record.quantityScale = 2
    record.contractAddress = "0xabc"
    record.zones = []
    record.zoneType = "NEW"
    return record
}

/// A record that trades.
func live(_ ticker: String, coin: String? = nil) -> SymbolRecord {
    var record = preOpen(ticker, hours: -100, coin: coin)
    record.status = 1
    record.spotStatus = 1
    record.tradingType = 1
    return record
}

func listing(_ record: SymbolRecord) -> Listing { Listing(record, OpeningClock(now: noon)) }

/// A symbol list text in the bare form.
func listText(_ entries: String...) -> [UInt8] { Array("[\(entries.joined(separator: ","))]".utf8) }
