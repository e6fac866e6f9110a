/// Names one stream of one session.
///
/// The slot is a small dense number that the layer above can use as an index; it is used again after
/// the stream's `closed` event. A name whose stream is gone is harmless: the session ignores it.
public struct HTTP2Stream: Sendable, Hashable {
    /// The stream identifier of RFC 9113 section 5.1.1.
    public let id: Int32
    /// A dense index, unique among the open streams of the session.
    public let slot: Int32

    /// Names the stream `id` in `slot`.
    public init(id: Int32, slot: Int32) {
        self.id = id
        self.slot = slot
    }
}

/// What a session has to tell, in the order in which it happened.
public enum HTTP2Event: Sendable, Hashable {
    /// A header block: a request, a response, a 1xx response or trailers. `fields` are indexes into
    /// `HTTP2Events.fields`. Blocks of one batch with the same range have the same content.
    case headers(HTTP2Stream, fields: Range<Int>, endStream: Bool)
    /// A header block over the announced limit; its fields are not shown.
    case headersTooLarge(HTTP2Stream, endStream: Bool)
    /// Body bytes: a range of the input given to `receive`. They must be credited by `consume`.
    case data(HTTP2Stream, range: Range<Int>, endStream: Bool)
    /// The stream is gone; `noError` when both sides had ended it.
    case closed(HTTP2Stream, HTTP2ErrorCode)
    /// The stream's queue fell below the low mark after it was reported as full.
    case writable(HTTP2Stream)
    /// The peer's SETTINGS came; its limits are known from now on.
    case settings
    /// The peer will answer no stream above `lastStreamID`; those are closed with `refusedStream`.
    case goAway(lastStreamID: Int32, HTTP2ErrorCode)
    /// The peer answered a PING of `ping(_:)`.
    case pong(UInt64)
}

/// A batch of events and the header fields they point into.
///
/// The owner keeps one and gives it to every session of its thread, so nothing is allocated per
/// read. `removeAll` it after each batch has been worked through.
public struct HTTP2Events: Sendable {
    /// The events in order.
    public internal(set) var events: [HTTP2Event] = []
    /// The fields of all `headers` events of the batch.
    public internal(set) var fields = HTTP2Fields()

    /// An empty batch.
    public init() {}

    /// Forgets the batch and keeps the allocations.
    public mutating func removeAll() {
        events.removeAll(keepingCapacity: true)
        fields.removeAll()
    }
}
