import Coordination
import JSON

/// Reads the web symbol list from its text.
///
/// Three shapes carry the same entries: `{"data":{"symbols":{"USDT":[…]}}}` (symbolsV2),
/// `{"data":{"USDT":[…]}}` (symbols), and a bare list, as people record it, which is taken to be
/// quoted in USDT.
enum SymbolListReader {
    /// The quote currency of a bare list.
    static let bareListQuote = "USDT"
    /// The largest text that is read, bytes. A list of 2,900 entries has 1.5 MB.
    static let maxBytes = 64 * 1024 * 1024

    /// What is wrong with a text that should be a symbol list.
    enum Fault: Error {
        /// No JSON, or cut off.
        case notJSON(JSONError)
        /// JSON of another shape; the sentence says which was found.
        case foreign(String)
        /// It has lists, but none for this quote currency.
        case noSuchQuote(available: [String])
    }

    /// Reads the list of one quote currency out of `text`.
    static func read(_ text: [UInt8], quote: String) throws(Fault) -> SymbolList {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: text, limits: JSONLimits(maxBytes: maxBytes))
        } catch { throw .notJSON(error) }
        let entries = try list(in: document.root, quote: quote)
        var list = SymbolList(quote: quote, records: [], unidentified: 0, bytes: text.count)
        list.records.reserveCapacity(entries.count)
        for entry in entries.elements { list.add(entry) }
        guard list.records.contains(where: { $0.status != nil }) else {
            throw .foreign("a list of \(entries.count) entries, none of which has cd and sts")
        }
        return list
    }

    private static func list(in root: JSONView, quote: String) throws(Fault) -> JSONView {
        if root.kind == .array {
            guard quote == bareListQuote else { throw .noSuchQuote(available: [bareListQuote]) }
            return root
        }
        guard let data = root["data"], data.kind == .object else {
            throw .foreign(root.kind == .object ? "an object without 'data'" : "no list or object")
        }
        let lists = data["symbols"] ?? data
        if let list = lists[quote], list.kind == .array { return list }
        let available = lists.members.filter { $0.value.kind == .array }.map(\.name)
        guard !available.isEmpty else { throw .foreign("an object whose 'data' holds no lists") }
        throw .noSuchQuote(available: available)
    }
}

extension SymbolList {
    /// Takes an entry in, or counts it as one that cannot be.
    fileprivate mutating func add(_ entry: JSONView) {
        guard let record = SymbolRecord(entry) else {
            unidentified += 1
            return
        }
        if record.openMillis == nil, entry["ot"]?.int64 != nil { implausibleTimes += 1 }
        records.append(record)
    }
}

extension SymbolRecord {
    /// Reads an entry; `nil` when it does not say which coin it is.
    ///
    /// A field of another kind than expected is as good as missing: unknown. Without a ticker the coin
    /// id stands in its place, so that the entry can still be told from others.
    init?(_ entry: JSONView) {
        self.init(pairID: "", vcoinID: "", ticker: "")
        for member in entry.members { read(member.name, member.value) }
        guard !vcoinID.isEmpty else { return nil }
        if ticker.isEmpty { ticker = vcoinID }
    }

    private mutating func read(_ name: String, _ value: JSONView) {
        switch name {
        case "id": pairID = value.identifier ?? ""
        case "cd": vcoinID = value.identifier ?? ""
        case "vn": ticker = (value.string ?? "").cut(toBytes: TextLimit.ticker)
        case "fn": self.name = value.string?.cut(toBytes: TextLimit.name)
        case "sts": status = value.smallInteger
        case "st": spotStatus = value.smallInteger
        case "tt": tradingType = value.smallInteger
        case "ot": openMillis = value.exchangeMillis
        case "fot": firstOpenMillis = value.exchangeMillis
        case "ps": priceScale = value.smallInteger
        case "qs": quantityScale = value.smallInteger
        case "ca": contractAddress = value.string?.cut(toBytes: TextLimit.contract)
        case "cp": zones = value.kind == .array ? SymbolRecord.zones(value) : nil
        case "tp": zoneType = value.string?.cut(toBytes: TextLimit.zone)
        default: break
        }
    }

    private static func zones(_ list: JSONView) -> [String] {
        list.elements.prefix(TextLimit.zones).compactMap {
            $0.string?.cut(toBytes: TextLimit.zone)
        }
    }
}

/// The longest texts that are handed on, bytes: about three times the longest recorded ones, so that
/// ``MexcAPIAgent/maxListings`` listings fit the payload of every step, whatever a name is.
enum TextLimit {
    static let identifier = 64
    static let ticker = 32
    static let name = 80
    static let contract = 160
    static let zone = 32
    /// How many zones of an entry.
    static let zones = 10
}

extension String {
    /// The text, or its first scalars with an ellipsis, in at most `maxBytes` of UTF-8.
    func cut(toBytes maxBytes: Int) -> String {
        guard utf8.count > maxBytes else { return self }
        let end = utf8.index(startIndex, offsetBy: maxBytes - "…".utf8.count)
        // A subscript rounds its index down to a scalar's begin.
        return String(self[..<end]) + "…"
    }
}

extension JSONView {
    /// An integer that fits 32 bits, as all counts and codes of the exchange do.
    var smallInteger: Int? { int64.flatMap { Int32(exactly: $0) }.map(Int.init) }

    /// Milliseconds that can be a time of the exchange.
    var exchangeMillis: Int64? { int64.flatMap { UTCInstant(exchangeMillis: $0) }?.millis }

    /// What names a coin or a pair; a text that is empty or too long to be an id names nothing.
    var identifier: String? {
        string.flatMap { $0.isEmpty || $0.utf8.count > TextLimit.identifier ? nil : $0 }
    }
}
