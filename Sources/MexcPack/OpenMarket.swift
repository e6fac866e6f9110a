import Coordination
import Foundation

/// Which market to work on: what `--market` says.
public enum MarketSelection: Sendable, Hashable {
    /// A made-up exchange on loopback. `seed` makes its market; `speed` is how many market
    /// seconds pass in a real one.
    case simulator(seed: UInt64, speed: Double)
    /// A recorded web symbol list.
    case replay(path: String)
    /// An exchange that speaks MEXC's REST, such as `https://api.mexc.com`.
    case address(String)

    /// The simulator with seed 1, in real time.
    public static let defaults = MarketSelection.simulator(seed: 1, speed: 1)

    /// Reads `simulator`, `simulator:SEED`, `simulator:SEED@SPEED`, `replay:FILE`, or an address
    /// that begins with `http://` or `https://`.
    ///
    /// - Throws: a failure of type `invalid_input` that says what can be written. What may be a user,
    ///   a password or a key is refused without repeating it: it would be shown in logs.
    public init(parsing text: String) throws(StepFailure) {
        if MarketSelection.hasUser(text) {
            throw MarketFailure.invalidInput(
                "a market's address may have no user and no password, since it is shown in logs "
                    + "and results; MEXC's market data needs none")
        }
        if text == "simulator" {
            self = .defaults
        } else if let rest = text.rest(after: "simulator:") {
            self = try MarketSelection.simulator(parsing: rest)
        } else if let path = text.rest(after: "replay:"), !path.isEmpty {
            self = .replay(path: path)
        } else if let base = MarketSelection.address(parsing: text) {
            self = .address(base)
        } else {
            throw MarketFailure.invalidInput(
                "'\(MarketSelection.shown(text))' is no market; write simulator, simulator:SEED@SPEED, "
                    + "replay:FILE or an address such as https://api.mexc.com")
        }
    }

    /// The text without what may be secret: all of it when it has an `@`, else from `?` or `#` on.
    private static func shown(_ text: String) -> String {
        if text.contains("@") { return "…" }
        let open = text.prefix { !"?#".contains($0) }
        return open.count == text.count ? text : open + "…"
    }

    private static func simulator(parsing text: String) throws(StepFailure) -> MarketSelection {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let speed = parts.count == 2 ? Double(parts[1]) : 1
        // At 100,000 a day passes in less than a second; beyond, nothing can be watched.
        guard let seed = UInt64(parts[0]), let speed, (0...100_000).contains(speed) else {
            throw MarketFailure.invalidInput(
                "'\(text)' is no seed and speed; write simulator:7 or simulator:7@60, "
                    + "the speed between 0 and 100000")
        }
        return .simulator(seed: seed, speed: speed)
    }

    /// Whether something stands before an `@` in the authority (RFC 3986, section 3.2.1).
    private static func hasUser(_ text: String) -> Bool {
        guard let scheme = text.range(of: "://") else { return false }
        return text[scheme.upperBound...].prefix { !"/?#".contains($0) }.contains("@")
    }

    private static func address(parsing text: String) -> String? {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty,
            url.scheme == "http" || url.scheme == "https", url.query == nil, url.fragment == nil
        else { return nil }
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }
}

/// A market that is ready to be asked. Close it when the agents that use it have stopped.
public struct OpenMarket: Sendable {
    let data: any MarketData
    let exchange: SimulatedExchange?
    /// One line for people: what it is, and where.
    public let summary: String

    init(_ data: any MarketData, exchange: SimulatedExchange? = nil, summary: String) {
        self.data = data
        self.exchange = exchange
        self.summary = summary
    }

    /// Opens what was selected. Reads a replay's file, starts the simulator; does not ask a live
    /// exchange anything.
    ///
    /// - Parameter now: the instant a replay is looked at from, which it needs; or the instant the
    ///   simulator starts at, by default this machine's clock. A live exchange has its own time
    ///   and refuses one.
    /// - Throws: `invalid_input`, `replay_unreadable`, or `exchange_unreachable` when the
    ///   simulator cannot listen; each says what to do.
    public static func open(
        _ selection: MarketSelection, now: UTCInstant? = nil
    ) async throws(StepFailure) -> OpenMarket {
        switch selection {
        case .simulator(let seed, let speed):
            try await simulator(seed, SimulatedClock(start: now, speed: speed))
        case .replay(let path): try replay(path, now)
        case .address(let base): try address(base, now)
        }
    }

    /// Stops the simulator, if that is what it is.
    public func close() async { await exchange?.stop() }

    private static func simulator(
        _ seed: UInt64, _ clock: SimulatedClock
    ) async throws(StepFailure) -> OpenMarket {
        guard UTCInstant(exchangeMillis: clock.millis) != nil else {
            throw MarketFailure.invalidInput(
                "the simulated exchange has its time in the years 2015 to 2099; leave --now "
                    + "out for this machine's clock")
        }
        let exchange = try await SimulatedExchange.start(seed: seed, clock: clock)
        let url = exchange.baseURL
        return OpenMarket(
            RESTMarket(kind: .simulator, apiBase: url, webBase: url), exchange: exchange,
            summary: "simulated exchange at \(url), seed \(seed), speed \(clock.speed)")
    }

    private static func replay(
        _ path: String, _ now: UTCInstant?
    ) throws(StepFailure) -> OpenMarket {
        guard let now else {
            throw MarketFailure.invalidInput(
                "a replay needs the instant it is looked at from; add --now with the time "
                    + "of the recording, such as --now 2025-06-29T15:00:00Z")
        }
        return OpenMarket(
            try ReplayMarket(path: path, now: now), summary: "replay of \(path) at \(now)")
    }

    private static func address(
        _ base: String, _ now: UTCInstant?
    ) throws(StepFailure) -> OpenMarket {
        guard now == nil else {
            throw MarketFailure.invalidInput(
                "a live exchange has its own time; leave --now out, or use --market "
                    + "replay:FILE")
        }
        // MEXC's documented API and its web pages are on two hosts; elsewhere both are one.
        let isMEXC = ["https://api.mexc.com", "https://www.mexc.com"].contains(base)
        let api = isMEXC ? "https://api.mexc.com" : base
        let web = isMEXC ? "https://www.mexc.com" : base
        return OpenMarket(
            RESTMarket(kind: .live, apiBase: api, webBase: web), summary: "exchange at \(api)")
    }
}

extension String {
    fileprivate func rest(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
