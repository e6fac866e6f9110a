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
        var records: [SymbolRecord] = []
        records.reserveCapacity(entries.count)
        for entry in entries.elements {
            if let record = SymbolRecord(entry) { records.append(record) }
        }
        guard !records.isEmpty, records.contains(where: { $0.status != nil }) else {
            throw .foreign(
                "a list of \(entries.count) entries, none of which has id, cd, vn and sts")
        }
        return SymbolList(
            quote: quote, records: records, unidentified: entries.count - records.count,
            bytes: text.count)
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

extension SymbolRecord {
    /// Reads an entry; `nil` when it does not say which pair and coin it is.
    ///
    /// A field of another kind than expected is as good as missing: unknown.
    init?(_ entry: JSONView) {
        self.init(pairID: "", vcoinID: "", ticker: "")
        for member in entry.members { read(member.name, member.value) }
        guard !pairID.isEmpty, !vcoinID.isEmpty, !ticker.isEmpty else { return nil }
    }

    private mutating func read(_ name: String, _ value: JSONView) {
        switch name {
        case "id": pairID = value.string ?? ""
        case "cd": vcoinID = value.string ?? ""
        case "vn": ticker = value.string ?? ""
        case "fn": self.name = value.string
        case "sts": status = value.smallInteger
        case "st": spotStatus = value.smallInteger
        case "tt": tradingType = value.smallInteger
        case "ot": openMillis = value.int64
        case "fot": firstOpenMillis = value.int64
        case "ps": priceScale = value.smallInteger
        case "qs": quantityScale = value.smallInteger
        case "ca": contractAddress = value.string
        case "cp": zones = value.kind == .array ? value.elements.compactMap(\.string) : nil
        case "tp": zoneType = value.string
        default: break
        }
    }
}

extension JSONView {
    /// An integer that fits 32 bits, as all counts and codes of the exchange do.
    var smallInteger: Int? { int64.flatMap { Int32(exactly: $0) }.map(Int.init) }
}
