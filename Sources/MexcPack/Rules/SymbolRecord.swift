/// One entry of the exchange's web symbol list, under names that say what the fields mean.
///
/// What the list does not carry is `nil`, and ``unknownFields`` names it; nothing is filled in.
struct SymbolRecord: Sendable, Hashable, Codable {
    /// `id`: names the trading pair, hexadecimal. Empty when the list does not say.
    var pairID: String
    /// `cd`: names the coin, 32 hexadecimal digits. The identity of a listing: tickers are not
    /// unique.
    var vcoinID: String
    /// `vn`: the ticker; the pair's symbol is this and the quote currency. The coin id where the list
    /// gives no ticker.
    var ticker: String
    /// `fn`: the project's name.
    var name: String?
    /// `sts`.
    var status: Int?
    /// `st`.
    var spotStatus: Int?
    /// `tt`.
    var tradingType: Int?
    /// `ot`: the opening time, milliseconds since 1970.
    var openMillis: Int64?
    /// `fot`: the coin's first opening time, milliseconds since 1970.
    var firstOpenMillis: Int64?
    /// `ps`: decimals of a price.
    var priceScale: Int?
    /// `qs`: decimals of a quantity.
    var quantityScale: Int?
    /// `ca`: the contract address. Empty when the list says there is none; `nil` when the list
    /// says nothing.
    var contractAddress: String?
    /// `cp`: zone tags of the exchange, such as `mc-trade-zone-ai`.
    var zones: [String]?
    /// `tp`: `NEW`, `ASSESS` or `MAIN`.
    var zoneType: String?
    /// What the new-coin calendar says of the opening, when it was asked.
    var calendar: CalendarOpinion?

    /// An entry of which only the identity is known.
    init(pairID: String, vcoinID: String, ticker: String) {
        self.pairID = pairID
        self.vcoinID = vcoinID
        self.ticker = ticker
    }

    enum CodingKeys: String, CodingKey {
        case pairID = "pair_id"
        case vcoinID = "vcoin_id"
        case ticker, name, status
        case spotStatus = "spot_status"
        case tradingType = "trading_type"
        case openMillis = "open_millis"
        case firstOpenMillis = "first_open_millis"
        case priceScale = "price_scale"
        case quantityScale = "quantity_scale"
        case contractAddress = "contract_address"
        case zones
        case zoneType = "zone_type"
        case calendar
    }

    var triple: ReadinessTriple { ReadinessTriple(status, spotStatus, tradingType) }

    /// The opening time; `nil` when the list gives none.
    var opensAt: UTCInstant? { openMillis.map { UTCInstant(millis: $0) } }

    var identity: ListingIdentity { ListingIdentity(vcoinID: vcoinID, pairID: pairID) }

    /// The fields that the source did not carry, under the names it gives them.
    var unknownFields: [String] {
        let known: [(String, Bool)] = [
            ("id", !pairID.isEmpty), ("vn", ticker != vcoinID), ("fn", name != nil),
            ("sts", status != nil), ("st", spotStatus != nil),
            ("tt", tradingType != nil), ("ot", openMillis != nil), ("fot", firstOpenMillis != nil),
            ("ps", priceScale != nil), ("qs", quantityScale != nil),
            ("ca", contractAddress != nil), ("cp", zones != nil), ("tp", zoneType != nil),
        ]
        return known.filter { !$0.1 }.map(\.0)
    }
}

/// What makes an entry the same one in two lists: the coin and the pair, never the ticker.
struct ListingIdentity: Sendable, Hashable {
    var vcoinID: String
    var pairID: String
}

/// What the new-coin calendar says about an entry of the symbol list.
struct CalendarOpinion: Sendable, Hashable, Codable {
    /// Its opening time; `nil` when the calendar was asked and does not know the coin.
    var openMillis: Int64?

    enum CodingKeys: String, CodingKey { case openMillis = "open_millis" }
}
