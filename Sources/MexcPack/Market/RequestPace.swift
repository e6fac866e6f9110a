import Coordination

/// When the next request may leave: at most so many a second, evenly spaced, and none while the
/// exchange has asked for a pause. A value; instants come in as nanoseconds of any one clock.
struct RequestPace: Sendable {
    /// What to do with a request.
    enum Decision: Sendable, Hashable {
        /// Send it at this instant.
        case send(atNanos: Int64)
        /// Give up: the queue is too long, or the exchange asked for a pause of this length.
        case refuse(waitNanos: Int64)
    }

    /// Between two requests, nanoseconds. Default 100 ms: 10 a second, far below the exchange's
    /// 500 weight in 10 seconds.
    var spacingNanos: Int64 = 100_000_000
    /// The longest wait for a turn, nanoseconds. Default 5 s; a step has other things to do.
    var maxWaitNanos: Int64 = 5_000_000_000

    private var nextNanos: Int64 = .min
    private var pausedUntilNanos: Int64 = .min

    init() {}

    /// Takes a turn for one request, or refuses it. A refused request takes none.
    mutating func request(nowNanos: Int64) -> Decision {
        let turn = max(nowNanos, nextNanos)
        let pause = pausedUntilNanos > nowNanos ? pausedUntilNanos - nowNanos : 0
        guard pause == 0, turn - nowNanos <= maxWaitNanos else {
            return .refuse(waitNanos: max(pause, turn - nowNanos))
        }
        nextNanos = turn + spacingNanos
        return .send(atNanos: turn)
    }

    /// The exchange wants no request for `pauseNanos`. A shorter pause never cuts a longer one.
    mutating func pauseRequested(nowNanos: Int64, pauseNanos: Int64) {
        pausedUntilNanos = max(pausedUntilNanos, nowNanos + pauseNanos)
    }
}

/// Makes requests wait for their turn in a ``RequestPace``.
actor RequestPacer {
    private var pace: RequestPace
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    init(_ pace: RequestPace = RequestPace()) {
        self.pace = pace
        start = clock.now
    }

    /// Returns when a request may leave.
    func waitForTurn() async throws(StepFailure) {
        let now = elapsedNanos
        switch pace.request(nowNanos: now) {
        case .refuse(let wait): throw RequestPacer.refusal(waitNanos: wait)
        case .send(let turn):
            guard turn > now else { return }
            do { try await clock.sleep(for: .nanoseconds(turn - now)) } catch {
                throw MarketFailure.cancelled
            }
        }
    }

    /// The exchange wants a pause.
    func pause(millis: Int64) {
        pace.pauseRequested(nowNanos: elapsedNanos, pauseNanos: millis * 1_000_000)
    }

    private var elapsedNanos: Int64 {
        let (seconds, attoseconds) = (clock.now - start).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private static func refusal(waitNanos: Int64) -> StepFailure {
        // Rounded up: a try one millisecond too early is refused again.
        let millis = (waitNanos + 999_999) / 1_000_000
        return StepFailure(
            type: "rate_limited",
            message: "requests to the exchange are held back for another \(millis) ms to stay "
                + "inside its limits; the request was not sent. Try again then.",
            retryable: true, retryAfterMillis: millis)
    }
}
