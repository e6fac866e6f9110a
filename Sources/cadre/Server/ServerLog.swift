import Logging

/// The server's log, on standard error: decisions and failures, never the hot path.
enum ServerLog {
    /// A logger of this level; an unknown name means info.
    static func make(level: String) -> Logger {
        var log = Logger(label: "cadre") { StreamLogHandler.standardError(label: $0) }
        log.logLevel = Logger.Level(rawValue: level) ?? .info
        return log
    }
}
