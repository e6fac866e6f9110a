import Coordination
import MexcPack

/// Everything that can be set, with its value in force.
///
/// A flag wins over the environment, that over the file, that over the default. Rooms are given
/// values, never the environment. None of these is a secret; one that is must stay out of
/// ``effective``.
struct Settings: Sendable, Equatable {
    /// Address both ports listen on. `CADRE_HOST`. Default 127.0.0.1: what is not authenticated
    /// stays on this machine unless told otherwise.
    var host = "127.0.0.1"
    /// gRPC port, 0 to 65,535; 0 lets the system choose. `CADRE_GRPC_PORT`.
    var grpcPort = 50_051
    /// Port of /metrics, /healthz and /readyz, as above. `CADRE_CONSOLE_PORT`.
    var consolePort = 9_464
    /// Directory of the store, made when missing; `:memory:` keeps nothing. `CADRE_DATA`.
    var data = "cadre-data"
    /// `simulator`, `simulator:SEED@SPEED`, `replay:FILE` or the exchange's base URL.
    /// `CADRE_MARKET`.
    var market = "simulator"
    /// The instant a replay takes place at, which it needs, or the simulator begins at; RFC 3339.
    /// `CADRE_NOW`.
    var now: String?
    /// Socket loops, 1 to 64. `CADRE_LOOPS`. Default: one per processor.
    var loops = Settings.processors
    /// Seconds that open calls have to end after SIGTERM, 0 to 600. `CADRE_GRACE`.
    var graceSeconds = 10
    /// trace, debug, info, notice, warning, error or critical. `CADRE_LOG`.
    var logLevel = "info"
    /// How long runs are kept after their end: hours (`36h`), days (`7d`) or `forever`.
    /// `CADRE_RETENTION`. Default 7 days.
    var retention = "7d"
    /// Whether the agent `echo` joins, which answers what it is asked: for measurements.
    /// `CADRE_ECHO`; in a file also `with-echo`, as the flag is called.
    var withEcho = false

    /// Directory of workflow definitions, put at the start and when they change; empty: none.
    /// `CADRE_DEFINITIONS`.
    var definitions = ""

    /// How many instances of the server's own agent types there are, such as
    /// `mexc-api=1..4,idle=60;calendar=0..2`. `CADRE_POOLS`. Default: one of each.
    var pools = ""

    /// Names and values, for the start-up line and GetInfo.
    var effective: [(name: String, value: String)] {
        [
            ("host", host), ("grpc-port", "\(grpcPort)"), ("console-port", "\(consolePort)"),
            ("data", data), ("market", market), ("now", now ?? ""),
            ("loops", "\(loops)"), ("grace", "\(graceSeconds)"), ("log", logLevel),
            ("retention", retention), ("echo", "\(withEcho)"), ("definitions", definitions),
            ("pools", pools),
        ]
    }

    /// Host and port as they stand in a URL: an IPv6 address has brackets there.
    func authority(port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// A setting that cannot be used, with what would be right.
    struct Fault: Error, CustomStringConvertible {
        let description: String

        /// A flag without a value: a variable that nobody has set, most often.
        static func empty(_ key: String) -> Fault {
            Fault(description: "--\(key) is empty; leave it out for the default")
        }

        /// The same, said to be from there.
        func from(_ source: String) -> Fault { Fault(description: "\(source): \(description)") }
    }

    /// Sets one value from text; `source` says where the text is from, for the message.
    mutating func set(_ key: String, to text: String, from source: String) throws(Fault) {
        switch key {
        case "host": host = Self.withoutBrackets(text)
        case "grpc-port": grpcPort = try Self.number(text, 0...65_535, key, source)
        case "console-port": consolePort = try Self.number(text, 0...65_535, key, source)
        case "data": data = text
        case "market":
            market = text
            try checkMarket(source)
        case "now":
            now = text.isEmpty ? nil : text
            _ = try Self.check(source) { () throws(Fault) in try instant() }
        case "loops": loops = try Self.number(text, 1...64, key, source)
        case "grace": graceSeconds = try Self.number(text, 0...600, key, source)
        case "log": logLevel = try Self.level(text, source)
        case "definitions": definitions = text
        case "pools":
            pools = text
            _ = try Self.check(source) { () throws(Fault) in try PoolSettings.parse(text) }
        case "retention":
            retention = text
            _ = try Self.check(source) { () throws(Fault) in try retentionMillis() }
        case "echo", "with-echo": withEcho = try Self.flag(text, key, source)
        default:
            throw Fault(
                description: "\(source): there is no setting \(key); there are "
                    + Self.flagNames.joined(separator: ", "))
        }
    }

    /// Every key, in the order of ``effective``.
    static let keys = Settings().effective.map(\.name)

    /// As the flags have them.
    private static let flagNames = keys.map { $0 == "echo" ? "with-echo" : $0 }

    /// What can only be judged once everything is known.
    func validate() throws(Fault) {
        if grpcPort != 0, grpcPort == consolePort {
            throw Fault(description: "grpc-port and console-port are both \(grpcPort)")
        }
    }

    /// The instant that the market is looked at from; `nil`: none is given.
    func instant() throws(Fault) -> UTCInstant? {
        guard let now else { return nil }
        guard let instant = UTCInstant(iso8601: now) else {
            throw Fault(
                description: "now is \(now); write an instant such as 2025-06-29T15:00:00Z")
        }
        return instant
    }

    /// The retention in milliseconds; `nil`: for ever.
    func retentionMillis() throws(Fault) -> Int64? {
        if retention == "forever" { return nil }
        let hoursInUnit: Int64? =
            switch retention.last {
            case "h": 1
            case "d": 24
            default: nil
            }
        guard let hoursInUnit, let count = Int64(retention.dropLast()),
            (1...36_500).contains(count)
        else {
            throw Fault(
                description: "retention is \(retention); it is hours such as 36h, days such as "
                    + "7d (1 to 36500 of them), or forever")
        }
        return count * hoursInUnit * 3_600_000
    }

    /// Names the source of what turns out to be wrong.
    private static func check<Value>(
        _ source: String, _ read: () throws(Fault) -> Value
    ) throws(Fault) -> Value {
        do { return try read() } catch { throw error.from(source) }
    }

    /// Before anything is shown: an address may hold what nobody should read.
    private func checkMarket(_ source: String) throws(Fault) {
        do {
            _ = try MarketSelection(parsing: market)
        } catch {
            throw Fault(description: "\(source): \(error.message)")
        }
    }

    private static func level(_ text: String, _ source: String) throws(Fault) -> String {
        if logLevels.contains(text) { return text }
        let words = logLevels.joined(separator: ", ")
        throw Fault(description: "\(source): log is \(text); it is one of \(words)")
    }

    private static func withoutBrackets(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    static let logLevels = [
        "trace", "debug", "info", "notice", "warning", "error", "critical",
    ]

    private static func number<N: FixedWidthInteger>(
        _ text: String, _ range: ClosedRange<N>, _ key: String, _ source: String
    ) throws(Fault) -> N {
        guard let value = N(text), range.contains(value) else {
            throw Fault(
                description: "\(source): \(key) is \(text); it is a whole number from "
                    + "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func flag(
        _ text: String, _ key: String, _ source: String
    ) throws(Fault) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0", "": return false
        default: throw Fault(description: "\(source): \(key) is \(text); it is true or false")
        }
    }
}
