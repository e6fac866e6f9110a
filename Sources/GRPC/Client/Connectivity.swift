/// Waits that grow from one failure to the next (gRPC, "Connection Backoff Protocol").
struct Backoff {
    /// The first wait, seconds.
    let initial: Double
    /// The longest wait, seconds.
    let most: Double

    private static let growth = 1.6
    private static let jitterShare = 0.2

    /// Seconds to wait after so many failures before this one.
    ///
    /// - Parameter jitter: -1...1, moves the wait by up to a fifth.
    func wait(after failures: Int, jitter: Double) -> Double {
        var (wait, left) = (min(initial, most), failures)
        while left > 0, wait > 0, wait < most {
            wait = min(most, wait * Self.growth)
            left -= 1
        }
        return wait * (1 + Self.jitterShare * jitter)
    }
}

/// Whether a client has a connection, is making one, or waits before the next attempt.
///
/// `idle` becomes `connecting` with the first call; `connecting` becomes `ready` when the server's
/// SETTINGS have come, else `backingOff`; that becomes `idle` when its time is over; `ready` becomes
/// `idle` when the connection is lost or told to go. `closed` stays closed.
struct Connectivity {
    /// The state; every case is described above.
    enum State: Equatable {
        case idle
        case connecting
        case ready
        case backingOff(reason: String)
        case closed
    }

    /// What to do with a new call.
    enum OnCall: Equatable {
        /// Give it to the connection.
        case use
        /// Keep it until there is a connection.
        case wait
        /// Keep it, and connect now.
        case connect
        /// Tell it UNAVAILABLE.
        case fail(reason: String)
    }

    private(set) var state = State.idle
    private let backoff: Backoff
    /// Attempts that failed since the last that did not.
    private var failures = 0

    /// - Parameter backoff: the waits between attempts.
    init(_ backoff: Backoff) { self.backoff = backoff }

    /// A call wants a connection.
    mutating func callArrived(waitForReady: Bool) -> OnCall {
        switch state {
        case .ready: return .use
        case .connecting: return .wait
        case .idle:
            state = .connecting
            return .connect
        case .backingOff(let reason): return waitForReady ? .wait : .fail(reason: reason)
        case .closed: return .fail(reason: "the client is closed")
        }
    }

    /// The server's SETTINGS have come: the backoff starts again from the bottom.
    mutating func connected() {
        guard state == .connecting else { return }
        state = .ready
        failures = 0
    }

    /// The attempt failed; seconds to wait, with `jitter` in -1...1 moving them by up to a fifth.
    mutating func connectFailed(_ reason: String, jitter: Double) -> Double {
        guard state == .connecting else { return 0 }
        state = .backingOff(reason: reason)
        defer { failures += 1 }
        return backoff.wait(after: failures, jitter: jitter)
    }

    /// The wait is over; true when somebody waits and an attempt begins.
    mutating func backoffEnded(callsWait: Bool) -> Bool {
        guard case .backingOff = state else { return false }
        state = callsWait ? .connecting : .idle
        return callsWait
    }

    /// The connection takes no new calls any more.
    mutating func connectionGone() {
        if state == .ready { state = .idle }
    }

    /// The owner has closed the client.
    mutating func closed() { state = .closed }
}
