/// A token bucket: a burst, and then so many per second. Time comes in as monotonic nanoseconds.
struct TokenBucket {
    private let burstNanos: UInt64
    private let nanosPerToken: UInt64
    /// Tokens left, as the time it takes to earn them.
    private var savedNanos: UInt64
    private var lastRefill: UInt64 = 0

    init(burst: Int, perSecond: Int) {
        nanosPerToken = 1_000_000_000 / UInt64(max(1, perSecond))
        burstNanos = nanosPerToken * UInt64(max(1, burst))
        savedNanos = burstNanos
    }

    /// Takes a token; false when there is none.
    mutating func take(now: UInt64) -> Bool {
        if now > lastRefill {
            savedNanos = min(burstNanos, savedNanos &+ min(burstNanos, now - lastRefill))
            lastRefill = now
        }
        guard savedNanos >= nanosPerToken else { return false }
        savedNanos -= nanosPerToken
        return true
    }

    /// Puts a token back, up to the burst.
    mutating func giveBack() { savedNanos = min(burstNanos, savedNanos + nanosPerToken) }
}

/// Frames that bring nothing, balanced against frames that do.
///
/// Every frame received costs one. A frame that moves a call on, in either direction, earns
/// `framesEarnedByProgress`: peers send a few WINDOW_UPDATE frames for each DATA frame they get.
/// Time earns too, else a quiet connection would be ended for the keepalive of its whole life.
struct ProgressBudget {
    private static let framesEarnedByProgress = 8
    private let limit: Int
    private let nanosPerFrame: UInt64
    private var left: Int
    /// Time has earned from here on; looked at only when nothing is left, so that after a quiet time
    /// a burst may be twice the limit.
    private var earningSince: UInt64 = 0

    init(limit: Int, perSecond: Int) {
        self.limit = limit
        nanosPerFrame = 1_000_000_000 / UInt64(max(1, perSecond))
        left = limit
    }

    /// A frame was received; false when the peer has used up this side's patience.
    mutating func frameReceived(now: UInt64) -> Bool {
        if left == limit { earningSince = now }  // A full budget earns nothing.
        left -= 1
        return left >= 0 || earnByTime(now)
    }

    /// A call moved on.
    mutating func progressMade() {
        left = min(limit, left + Self.framesEarnedByProgress)
    }

    /// What time has earned pays for the frame that found nothing left; false when it is nothing.
    private mutating func earnByTime(_ now: UInt64) -> Bool {
        guard now > earningSince else { return false }
        let earned = (now - earningSince) / nanosPerFrame
        guard earned > 0 else { return false }
        earningSince += earned * nanosPerFrame
        left += Int(min(UInt64(limit), earned))
        return true
    }
}

/// Counts what moves, in stretches of time.
struct ProgressWatch {
    /// Bytes moved in this stretch.
    var movedBytes = 0
    private var since: UInt64?

    /// Nothing is in the way, or it is not the peer that is.
    mutating func pause() { since = nil }

    /// The peer is in the way; true at the end of a stretch of `limit` nanoseconds in which fewer than
    /// `leastBytes` moved.
    mutating func standsStill(now: UInt64, limit: UInt64, leastBytes: Int) -> Bool {
        guard let since else {
            begin(now)
            return false
        }
        guard now > since, now - since >= limit else { return false }
        defer { begin(now) }
        return movedBytes < leastBytes
    }

    private mutating func begin(_ now: UInt64) {
        since = now
        movedBytes = 0
    }
}

/// Remembers which of the last 512 client stream identifiers were opened.
///
/// RFC 9113 section 5.1.1: a new stream must have a higher identifier than all before. nghttp2
/// ignores a lower one silently; this tells a stream that was never opened (the peer's mistake)
/// from one that has been closed (a race). Identifiers below the window count as opened.
struct OpenedStreams {
    private static let window: Int32 = 512
    private var bits: [UInt64]
    private(set) var highest: Int32 = 0

    init() {
        bits = Array(repeating: 0, count: Int(Self.window) / 64)
    }

    /// HEADERS came on this odd identifier; false when it skips back to a stream never opened.
    mutating func headersReceived(on id: Int32) -> Bool {
        let ordinal = id / 2
        if id > highest {
            let first = highest == 0 ? 0 : highest / 2 + 1
            let skipped = max(first, ordinal - Self.window)
            if skipped < ordinal { for old in skipped..<ordinal { clear(old) } }
            highest = id
            set(ordinal)
            return true
        }
        return highest / 2 - ordinal >= Self.window || isSet(ordinal)
    }

    private mutating func set(_ ordinal: Int32) {
        bits[Int(ordinal % Self.window) / 64] |= 1 << UInt64(ordinal % 64)
    }

    private mutating func clear(_ ordinal: Int32) {
        bits[Int(ordinal % Self.window) / 64] &= ~(1 << UInt64(ordinal % 64))
    }

    private func isSet(_ ordinal: Int32) -> Bool {
        bits[Int(ordinal % Self.window) / 64] & 1 << UInt64(ordinal % 64) != 0
    }
}
