import Logging
import Store

/// Says in the log when the disk of the data directory begins to run low, and when it does so no
/// more: once each, not for every call that is refused meanwhile.
struct DiskWatch {
    private let log: Logger
    private let path: String
    private var isLow = false

    /// - Parameter path: the data directory, for the reader of the log.
    init(path: String, log: Logger) {
        self.path = path
        self.log = log
    }

    /// Looks at the disk; says what has changed since the last look.
    mutating func look(_ store: any Store) {
        look(isLow: store.isLowOnSpace, freeBytes: store.facts.freeBytes)
    }

    mutating func look(isLow: Bool, freeBytes: Int64?) {
        if isLow == self.isLow { return }
        self.isLow = isLow
        var facts: Logger.Metadata = ["data": "\(path)"]
        facts["free_bytes"] = freeBytes.map { "\($0)" }
        if isLow {
            log.warning(
                "the disk runs low: new durable work is refused, open runs go on; free some space",
                metadata: facts)
        } else {
            log.notice("the disk has room again: new work is taken", metadata: facts)
        }
    }
}
