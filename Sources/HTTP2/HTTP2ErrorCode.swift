/// The error codes of RFC 9113 section 7; peers may send others, so it is open.
public struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable {
    /// The code on the wire.
    public let rawValue: UInt32

    /// The code with this number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The name of RFC 9113 with the number, as `CANCEL (8)`; the number alone of an unknown code.
    public var name: String {
        let index = Int(rawValue)
        return index < Self.names.count ? "\(Self.names[index]) (\(rawValue))" : "\(rawValue)"
    }

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
        "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
        "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    /// Nothing wrong; the end was meant.
    public static let noError = HTTP2ErrorCode(rawValue: 0)
    /// The peer broke the protocol.
    public static let protocolError = HTTP2ErrorCode(rawValue: 1)
    /// This side failed.
    public static let internalError = HTTP2ErrorCode(rawValue: 2)
    /// More was sent than the window allowed.
    public static let flowControlError = HTTP2ErrorCode(rawValue: 3)
    /// SETTINGS was not acknowledged in time.
    public static let settingsTimeout = HTTP2ErrorCode(rawValue: 4)
    /// A frame came for a stream that had ended.
    public static let streamClosed = HTTP2ErrorCode(rawValue: 5)
    /// A frame had a wrong size.
    public static let frameSizeError = HTTP2ErrorCode(rawValue: 6)
    /// The stream was not looked at; it may be tried again.
    public static let refusedStream = HTTP2ErrorCode(rawValue: 7)
    /// The stream is not wanted any more.
    public static let cancel = HTTP2ErrorCode(rawValue: 8)
    /// The HPACK state is broken.
    public static let compressionError = HTTP2ErrorCode(rawValue: 9)
    /// A tunnel failed; not used by gRPC.
    public static let connectError = HTTP2ErrorCode(rawValue: 10)
    /// The peer asks for too much.
    public static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 11)
    /// The transport is not secure enough.
    public static let inadequateSecurity = HTTP2ErrorCode(rawValue: 12)
    /// The peer wants HTTP/1.1.
    public static let http11Required = HTTP2ErrorCode(rawValue: 13)
}
