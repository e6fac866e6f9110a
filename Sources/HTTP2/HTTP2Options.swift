/// What a session announces and tolerates; the numbers are limits against a hostile peer.
public struct HTTP2Options: Sendable {
    /// Streams the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). Default 128.
    public var maxConcurrentStreams: UInt32 = 128
    /// Unconsumed body bytes of one stream (SETTINGS_INITIAL_WINDOW_SIZE). Default 256 KiB.
    public var streamWindowBytes: UInt32 = 256 << 10
    /// Unconsumed body bytes of all streams together. Default 4 MiB: sixteen full streams.
    public var connectionWindowBytes: UInt32 = 4 << 20
    /// Bytes of a header list (SETTINGS_MAX_HEADER_LIST_SIZE), announced and enforced. Default 16 KiB.
    public var maxHeaderListBytes: UInt32 = 16 << 10
    /// Queued bytes of one stream at which `isWritable` turns false. Default 64 KiB.
    public var sendHighWatermarkBytes = 64 << 10
    /// SETTINGS and PING answers the peer may leave unread (CVE-2019-9512, 9515). Default 128.
    public var maxOutboundAcks = 128
    /// Entries in one SETTINGS frame. Default 32.
    public var maxSettings = 32
    /// CONTINUATION frames in one header block (CVE-2024-28182). Default 8.
    public var maxContinuations = 8
    /// RST_STREAM frames of the peer at once (CVE-2023-44487). Default 2,000: a client whose calls all
    /// pass their deadlines at once, and whose waiting calls take their places, is no attacker, and
    /// its other calls must not be ended with them.
    public var peerResetBurst = 2_000
    /// RST_STREAM frames of the peer per second after the burst. Default 1,000.
    public var peerResetsPerSecond = 1_000
    /// Streams this side had to end for the peer's mistakes at once (CVE-2025-8671,
    /// "MadeYouReset"). Default 100.
    public var earlyEndBurst = 100
    /// Streams this side had to end for the peer's mistakes per second after the burst. Default 33.
    public var earlyEndsPerSecond = 33
    /// PING frames at once. Default 64. Each HEADERS or DATA frame that goes to the peer allows one
    /// more: grpc-go measures bandwidth by a PING for what it was sent, in every round trip, and its
    /// own rule counts only pings without such frames between them.
    public var pingBurst = 64
    /// PING frames per second after the burst. Default 10.
    public var pingsPerSecond = 10
    /// Frames without progress (empty DATA, PRIORITY, WINDOW_UPDATE, PING, unknown) that may be ahead
    /// of frames with progress. Default 4,096.
    public var idleFrameBudget = 4_096
    /// Frames without progress per second that are in order for ever. Default 20: twice the pings.
    public var idleFramesPerSecond = 20

    /// The defaults named at each property.
    public init() {}

    /// The defaults.
    public static let defaults = HTTP2Options()
}
