import Coordination
import JSON
import Messages

/// One publication on its way to the subscribers of a socket loop: encoded once for all of them, its
/// payload parsed once for all filters. Confined to its loop.
final class EventEntry {
    let publication: Coordination.Publication
    /// As an element of `SubscribeResponse.publications`: tag, length, message.
    lazy var element: [UInt8] = Self.element(publication)
    private lazy var document: JSONDocument? = publication.content.document()

    init(_ publication: Coordination.Publication) { self.publication = publication }

    var sequence: Int64 { publication.sequence }

    /// Whether a filter holds.
    func fits(_ filter: EventFilter) -> Bool {
        filter.fits(publication.content, filter.usesPayload ? document : nil)
    }

    private static func element(_ publication: Coordination.Publication) -> [UInt8] {
        let message = Messages.Publication(publication).encoded()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + 6)
        // Field 1, length-delimited.
        bytes.append(0x0a)
        bytes.append(varint: UInt64(message.count))
        bytes += message
        return bytes
    }
}

/// The bytes of one `SubscribeResponse` with publications, put together from encoded elements.
struct EventFrame {
    /// Five spare bytes for the length prefix of gRPC, then the message.
    private(set) var framed: [UInt8] = [0, 0, 0, 0, 0]
    /// The first and the last publication in it.
    private(set) var firstSequence: Int64 = 0
    private(set) var lastSequence: Int64 = 0
    private(set) var count = 0

    /// Bytes after which another message is begun.
    static let maxBytes = 256 << 10

    /// Adds a publication.
    mutating func add(_ entry: EventEntry) {
        if count == 0 { firstSequence = entry.sequence }
        lastSequence = entry.sequence
        count += 1
        framed += entry.element
    }

    /// Says what has been told with it, and ends it.
    mutating func close(toldThrough sequence: Int64, attempt: Int = 0, isRequeued: Bool = false) {
        // Fields 2, 4 and 5, each a varint.
        framed.append(0x10)
        framed.append(varint: UInt64(bitPattern: sequence))
        if attempt > 0 {
            framed.append(0x20)
            framed.append(varint: UInt64(attempt))
        }
        if isRequeued { framed += [0x28, 1] }
    }

    /// Messages with these publications, in order; the last one says that everything up to `through`
    /// has been told.
    ///
    /// - Parameter attempt: which attempt a publication is in; 0: that is not told.
    static func frames(
        _ entries: [EventEntry], toldThrough through: Int64, attempt: (Int64) -> Int = { _ in 0 }
    ) -> [EventFrame] {
        var frames: [EventFrame] = []
        var frame = EventFrame()
        for (index, entry) in entries.enumerated() {
            frame.add(entry)
            let isLast = index == entries.count - 1
            guard isLast || frame.framed.count >= maxBytes else { continue }
            frame.close(
                toldThrough: isLast ? through : entry.sequence,
                attempt: attempt(frame.firstSequence))
            frames.append(frame)
            frame = EventFrame()
        }
        return frames
    }
}

extension [UInt8] {
    /// Appends a number as protobuf writes it: seven bits a byte, lowest first.
    fileprivate mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
