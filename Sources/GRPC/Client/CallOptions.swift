/// What can be set for one call of a client.
public struct CallOptions: Sendable {
    /// How long the caller waits for the end of the call; nil waits for ever. Sent as `grpc-timeout`
    /// and enforced by the client itself: DEADLINE_EXCEEDED.
    public var timeout: Duration?
    /// Sent with the request's headers.
    public var metadata: Metadata
    /// Bytes of one response message; more is RESOURCE_EXHAUSTED. Default 4 MiB.
    public var maxResponseBytes: Int
    /// False: UNAVAILABLE at once while the server cannot be reached. True: wait for it, up to the
    /// timeout.
    public var waitForReady: Bool

    /// Options with these values.
    public init(
        timeout: Duration? = nil, metadata: Metadata = Metadata(),
        maxResponseBytes: Int = 4 << 20, waitForReady: Bool = false
    ) {
        self.timeout = timeout
        self.metadata = metadata
        self.maxResponseBytes = maxResponseBytes
        self.waitForReady = waitForReady
    }

    /// No timeout, no metadata, 4 MiB, fail fast.
    public static let defaults = CallOptions()
}

/// The answer to a unary call that ended with status OK.
public struct ClientResponse: Sendable {
    /// The message, without its prefix.
    public let message: [UInt8]
    /// Metadata of the response's headers.
    public let initialMetadata: Metadata
    /// Metadata of the trailers.
    public let trailers: Metadata
}
