/// Bytes that one party hands to another, with their media type.
///
/// The engine moves payloads and stores them by id; it never looks inside.
public struct Payload: Sendable, Hashable {
    /// At most 2 MiB at the edge of the service.
    public var bytes: [UInt8]
    /// Default `application/json`.
    public var contentType: String

    /// The media type used when a caller names none.
    public static let json = "application/json"

    /// Wraps bytes; the content type is JSON unless told.
    public init(bytes: [UInt8], contentType: String = Payload.json) {
        self.bytes = bytes
        self.contentType = contentType
    }
}
