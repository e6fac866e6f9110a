import Coordination

/// Request ids of the last day and the runs they started, so that a repeated call gets the same
/// answer and no second run.
struct RequestLog: Sendable {
    static let startRun = "StartRun"

    struct Key: Sendable, Hashable {
        var namespace: Namespace
        var requestID: String
    }

    struct Entry: Sendable {
        var contentHash: UInt64
        var run: RunID
        var createdMillis: Int64
        var changedIn: BatchNumber
    }

    private var entries: [Key: Entry] = [:]
    private var order: [Key] = []
    private var oldest = 0
    private let maxCount: Int
    private let lifeMillis: Int64

    init(maxCount: Int, lifeMillis: Int64) {
        self.maxCount = maxCount
        self.lifeMillis = lifeMillis
    }

    func entry(_ key: Key, nowMillis: Int64) -> Entry? {
        guard let entry = entries[key], entry.createdMillis + lifeMillis > nowMillis else {
            return nil
        }
        return entry
    }

    mutating func insert(_ entry: Entry, for key: Key, committed: BatchNumber) {
        if entries.updateValue(entry, forKey: key) == nil { order.append(key) }
        while oldest < order.count {
            guard let old = entries[order[oldest]] else {
                oldest += 1
                continue
            }
            let isOver = entries.count > maxCount
            let isOld = old.createdMillis + lifeMillis <= entry.createdMillis
            guard (isOver || isOld) && old.changedIn <= committed else { break }
            entries[order[oldest]] = nil
            oldest += 1
        }
        if oldest > 1_024, oldest * 2 > order.count {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    /// The stored answer: format version, then the run.
    static func encode(_ run: RunID) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.unsigned(run.serial.rawValue)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> RunID {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        return RunID(serial: Serial(rawValue: try reader.unsigned()))
    }
}
