import Coordination

/// Recently stored payloads, so that preparing inputs rarely reads the store. Bounded by bytes,
/// oldest out first; what is not on disk yet stays, since nobody could read it anywhere else.
struct PayloadCache: Sendable {
    /// What an entry costs beside its bytes, roughly.
    private static let overheadBytes = 96

    private struct Entry: Sendable {
        var payload: Payload
        var storedIn: BatchNumber
    }

    private var entries: [PayloadID: Entry] = [:]
    private var order: [PayloadID] = []
    private var oldest = 0
    private(set) var bytes = 0
    private let maxBytes: Int

    init(maxBytes: Int) { self.maxBytes = maxBytes }

    subscript(id: PayloadID) -> Payload? { entries[id]?.payload }

    mutating func insert(_ payload: Payload, id: PayloadID, storedIn: BatchNumber) {
        entries[id] = Entry(payload: payload, storedIn: storedIn)
        order.append(id)
        bytes += payload.bytes.count + Self.overheadBytes
    }

    /// Drops the oldest committed payloads until the rest fits.
    mutating func trim(committed: BatchNumber) {
        while bytes > maxBytes, oldest < order.count, let entry = entries[order[oldest]],
            entry.storedIn <= committed
        {
            entries[order[oldest]] = nil
            bytes -= entry.payload.bytes.count + Self.overheadBytes
            oldest += 1
        }
        if oldest > 1_024, oldest * 2 > order.count {
            order.removeFirst(oldest)
            oldest = 0
        }
    }
}
