/// What changed from one symbol list to a later one.
///
/// Entries are the same when coin id and pair id are: two coins may share a ticker, and a ticker
/// may pass from one coin to another.
struct ListTransitions: Sendable, Hashable {
    /// Pre-open before, live now.
    var wentLive: [SymbolRecord] = []
    /// Pre-open in both with another opening time.
    var rescheduled: [Rescheduling] = []
    /// Live before, not live now.
    var stopped: [SymbolRecord] = []
    /// Only in the later list.
    var appeared: [SymbolRecord] = []
    /// Only in the earlier list.
    var vanished: [SymbolRecord] = []

    /// Another opening time for the same listing.
    struct Rescheduling: Sendable, Hashable {
        var record: SymbolRecord
        /// The opening time before.
        var previousOpenMillis: Int64?
    }

    /// Compares two lists; results follow the order of the list they are found in.
    init(from earlier: [SymbolRecord], to later: [SymbolRecord]) {
        let before = Dictionary(earlier.map { ($0.identity, $0) }) { first, _ in first }
        let laterIdentities = Set(later.map(\.identity))
        vanished = earlier.filter { !laterIdentities.contains($0.identity) }
        for record in later {
            guard let old = before[record.identity] else {
                appeared.append(record)
                continue
            }
            note(record, after: old)
        }
    }

    private mutating func note(_ record: SymbolRecord, after old: SymbolRecord) {
        switch (old.triple.phase, record.triple.phase) {
        case (.preOpen, .live): wentLive.append(record)
        case (.live, .preOpen), (.live, .unrecorded), (.live, .unknown): stopped.append(record)
        case (.preOpen, .preOpen) where old.openMillis != record.openMillis:
            rescheduled.append(Rescheduling(record: record, previousOpenMillis: old.openMillis))
        default: break
        }
    }
}
