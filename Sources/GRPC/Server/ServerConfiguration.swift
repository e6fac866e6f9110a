public import NIOCore

/// Everything about a server that can be set; `defaults` is safe on the open network.
public struct ServerConfiguration: Sendable {
    /// Limits on what one client may make the server keep or do.
    public struct Limits: Sendable {
        /// Bytes of one request message; more is RESOURCE_EXHAUSTED. Default 4 MiB.
        public var maxRequestBytes = 4 << 20
        /// Bytes of all requests together of which the end has not come; a request over 64 KiB that
        /// goes beyond it is RESOURCE_EXHAUSTED. Default 256 MiB.
        public var maxUnfinishedBytes = 256 << 20
        /// Bytes that answers hold together which their clients have not taken, over the whole server.
        /// An answer over 64 KiB that has no room is RESOURCE_EXHAUSTED instead. Default 256 MiB.
        public var maxUnsentBytes = 256 << 20
        /// Bytes of one request's header list (RFC 9113 section 6.5.2), announced and enforced.
        /// Default 16 KiB.
        public var maxHeaderListBytes = 16 << 10
        /// Calls open at once on one connection. Default 128.
        public var maxConcurrentStreams = 128
        /// Connections open at once; more are closed on arrival. Default 10,000.
        public var maxConnections = 10_000
        /// Unsent bytes after which a call's `isWritable` is false. Default 64 KiB.
        public var sendHighWatermarkBytes = 64 << 10
        /// Bytes handed to the kernel but not taken, after which a connection produces no more.
        /// Default 256 KiB.
        public var maxUnsentConnectionBytes = 256 << 10

        /// The defaults named at each property.
        public init() {}
    }

    /// How long a server waits.
    public struct Timeouts: Sendable {
        /// From accept to the client's first SETTINGS. Default 10 s.
        public var handshake: Duration = .seconds(10)
        /// Without an open call, before the connection is asked to go. Default nil: for ever.
        public var idle: Duration? = nil
        /// Without the client taking what is waiting for it. A connection of which it takes no byte is
        /// closed; a stream for which it gives credit for less than 512 bytes a second ends with
        /// RESOURCE_EXHAUSTED, within twice this time. Default 30 s.
        public var writeStall: Duration = .seconds(30)

        /// The defaults named at each property.
        public init() {}
    }

    /// The address to listen on. Default `127.0.0.1`.
    public var host: String
    /// The port to listen on; 0 lets the system choose. Default 50051.
    public var port: Int
    /// Limits on what one client may use.
    public var limits = Limits()
    /// How long a server waits.
    public var timeouts = Timeouts()
    /// Handlers put before HTTP/2 in each connection's pipeline, in order: the place for TLS.
    /// Called on the connection's loop. Default none.
    public var extraHandlers: @Sendable (any Channel) throws -> [any ChannelHandler] = { _ in [] }

    /// A configuration that listens on `host` and `port`, else with the defaults.
    public init(host: String = "127.0.0.1", port: Int = 50051) {
        self.host = host
        self.port = port
    }

    /// Port 50051 of the loopback address.
    public static let defaults = ServerConfiguration()
}
