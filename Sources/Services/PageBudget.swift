import Coordination
import Messages

/// What a page of a response may still take. A page ends early, with a token for the next one,
/// rather than grow over what clients receive: 4 MiB by default in every gRPC library.
struct PageBudget {
    private var left: Int
    private var isEmpty = true

    /// An empty page of at most `maxBytes`. Default 3 MiB.
    init(maxBytes: Int = Self.pageBytes) {
        left = maxBytes
    }

    /// The room of a page.
    static let pageBytes = 3 << 20
    /// The room of what shares its answer with a payload of 2 MiB, or with as much again.
    static let sharedBytes = 7 << 18

    /// Whether the next entry still fits. The first always does, so that paging goes on.
    mutating func take(_ entry: some WireMessage) -> Bool {
        left -= entry.encoded(leaving: 0).count + Self.entryBytes
        defer { isEmpty = false }
        return isEmpty || left >= 0
    }

    /// Tag and length of an entry.
    private static let entryBytes = 8
}

extension Sequence {
    /// As many entries as fit into one answer, from the first on, and whether those are all.
    ///
    /// - Parameter limit: entries at most; 0: as many as fit.
    func page<Entry: WireMessage>(
        limit: Int32 = 0, maxBytes: Int = PageBudget.pageBytes, _ entry: (Element) -> Entry
    ) -> (entries: [Entry], isWhole: Bool) {
        var budget = PageBudget(maxBytes: maxBytes)
        var entries: [Entry] = []
        for element in self {
            if limit > 0, entries.count >= limit { return (entries, false) }
            let made = entry(element)
            guard budget.take(made) else { return (entries, false) }
            entries.append(made)
        }
        return (entries, true)
    }
}

extension FieldFaults {
    /// Notes a wrong page size, and a page token that is longer than any that a list gives: they
    /// hold one or two names.
    mutating func checkPage(size: Int32, token: String) {
        check(
            (0...1_000).contains(size), "page_size",
            "is \(size); 1 to 1000, 0 for as many as fit into one answer")
        check(token.utf8.count <= 600, "page_token", "is over 600 bytes; send what a page gave")
    }
}

/// A page of history while its payloads are being loaded. Confined to its loop.
final class HistoryFilling {
    private let events: ArraySlice<Coordination.HistoryEvent>
    private let following: Int64
    private let includesPayloads: Bool
    private var budget = PageBudget()
    private var batchSize: Int
    private var isFull = false
    /// The page as far as it is.
    private(set) var response = GetHistoryResponse()

    /// Payloads loaded at a time: few at first, as each may be large, then more.
    private static let firstBatch = 4
    private static let largestBatch = 64

    /// The first `size` of `events`; one more, if there is one, is where the next page begins.
    init(_ events: [Coordination.HistoryEvent], size: Int, includesPayloads: Bool) {
        self.events = events.prefix(size)
        self.includesPayloads = includesPayloads
        following = events.count > size ? events[size].sequence : 0
        batchSize = includesPayloads ? Self.firstBatch : size
        response.nextSequence = following
    }

    /// The events to be added next, and the payloads they need; none when the page is done.
    func nextBatch() -> (events: ArraySlice<Coordination.HistoryEvent>, payloads: [PayloadID]) {
        if isFull { return ([], []) }
        let batch = events.dropFirst(response.events.count).prefix(batchSize)
        batchSize = min(batchSize * 2, max(Self.largestBatch, batchSize))
        return (batch, includesPayloads ? batch.compactMap(\.payload) : [])
    }

    /// Adds what still fits; the next page begins with the first event that does not.
    func add(
        _ batch: ArraySlice<Coordination.HistoryEvent>,
        _ payloads: [PayloadID: Coordination.Payload]
    ) {
        for event in batch {
            let entry = Messages.HistoryEvent(
                event, payload: event.payload.flatMap { payloads[$0] })
            guard budget.take(entry) else {
                isFull = true
                response.nextSequence = event.sequence
                return
            }
            response.events.append(entry)
        }
    }
}
