import Logging
import Testing
import Threads

@testable import cadre

@Suite struct DiskWatchTests {
    /// Keeps the level of each line and what is free by it.
    private struct Lines: LogHandler {
        let lines: Locked<[String]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.withLock {
                $0.append("\(event.level) \(event.metadata?["free_bytes"] ?? "")")
            }
        }
    }

    @Test func `a disk that runs low is said once, and so is one that has room again`() {
        let lines = Locked<[String]>([])
        var watch = DiskWatch(
            path: "/data", log: Logger(label: "test") { _ in Lines(lines: lines) })
        let readings: [(isLow: Bool, free: Int64?)] = [
            (false, 90), (true, 5), (true, 4), (false, 80), (false, 70), (true, nil),
        ]
        for reading in readings { watch.look(isLow: reading.isLow, freeBytes: reading.free) }
        #expect(lines.snapshot == ["warning 5", "notice 80", "warning "])
    }
}
