/// What can be made to go wrong with the simulated exchange.
struct ExchangeFaults: Sendable, Hashable {
    /// How the exchange is out of reach.
    enum Outage: Sendable, Hashable {
        /// It is not.
        case none
        /// Connections are closed instead of answered.
        case closing
        /// Requests are taken and never answered.
        case silent
        /// Answers begin and never end.
        case stalling
        /// Answers end in the middle and say nothing about it.
        case truncating
    }

    var outage: Outage = .none
    /// Before each answer, milliseconds.
    var latencyMillis: Int64 = 0
    /// The share of requests that are answered with 503, 0 to 1; which ones follows from the seed.
    var errorRate: Double = 0
    /// Answers 403 to everything, as a firewall does.
    var isForbidding = false
    /// What is answered with 200 at a path instead of what belongs there: another format, or a refusal
    /// in the body.
    var bodies: [String: String] = [:]

    /// Nothing goes wrong.
    static let none = ExchangeFaults()
}

/// Counts requests as the exchange does: weight per path in windows of real time.
struct RateWindow: Sendable {
    /// Weight in a window. Default 500.
    var maxWeight = 500
    /// How long a window is, milliseconds. Default 10,000, as on the exchange.
    var windowMillis: Int64 = 10_000

    private var window: Int64 = .min
    private var used: [String: Int] = [:]

    init(maxWeight: Int = 500, windowMillis: Int64 = 10_000) {
        self.maxWeight = maxWeight
        self.windowMillis = windowMillis
    }

    /// Takes `weight` for a path; `nil` when it fits, else the seconds until the window ends.
    mutating func take(_ weight: Int, _ path: String, nowMillis: Int64) -> Int64? {
        let current = nowMillis / windowMillis
        if current != window {
            window = current
            used.removeAll(keepingCapacity: true)
        }
        let sum = used[path, default: 0] + weight
        guard sum <= maxWeight else {
            return ((current + 1) * windowMillis - nowMillis + 999) / 1_000
        }
        used[path] = sum
        return nil
    }
}
