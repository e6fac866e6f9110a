import Coordination
import Messages

/// What a page of a response may still take. A page ends early, with a token for the next one,
/// rather than grow over what clients receive: 4 MiB by default in every gRPC library.
struct PageBudget {
    private var left: Int
    private var isEmpty = true

    /// An empty page of at most `maxBytes`. Default 3 MiB.
    init(maxBytes: Int = 3 << 20) {
        left = maxBytes
    }

    /// Whether the next entry still fits. The first always does, so that paging goes on.
    mutating func take(_ entry: some WireMessage) -> Bool {
        left -= entry.encoded(leaving: 0).count + Self.entryBytes
        defer { isEmpty = false }
        return isEmpty || left >= 0
    }

    /// Tag and length of an entry.
    private static let entryBytes = 8
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
