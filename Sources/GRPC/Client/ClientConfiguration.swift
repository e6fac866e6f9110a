public import NIOCore

/// Everything about a client that can be set.
public struct ClientConfiguration: Sendable {
    /// Longest time one attempt to connect may take. Default 20 s.
    public var connectTimeout: Duration = .seconds(20)
    /// Wait after the first failed attempt to connect, and before a call that the server did not look
    /// at is begun again for the second time; grows by 1.6 each time, with 20 % jitter. As long, and
    /// always the same, calls wait for a server that bears fewer streams than it announced, until it is
    /// asked for one more. Default 1 s.
    public var initialBackoff: Duration = .seconds(1)
    /// Longest of these waits. Default 120 s.
    public var maxBackoff: Duration = .seconds(120)
    /// Bytes of one response's header list, announced and enforced. Default 16 KiB.
    public var maxHeaderListBytes = 16 << 10
    /// Bytes a stream keeps of messages nobody has asked for yet; the server is stopped by flow
    /// control beyond it. Default 256 KiB.
    public var streamWindowBytes = 256 << 10
    /// The value of `:authority`; nil means `host:port`, an IPv6 address in brackets.
    public var authority: String?
    /// The value of `:scheme`: `https` when `extraHandlers` bring TLS. Default `http`.
    public var scheme = "http"
    /// Handlers put before HTTP/2 in the pipeline, in order: the place for TLS. Default none.
    public var extraHandlers: @Sendable (any Channel) throws -> [any ChannelHandler] = { _ in [] }

    /// A configuration with the defaults named at each property.
    public init() {}

    /// The defaults.
    public static let defaults = ClientConfiguration()
}
