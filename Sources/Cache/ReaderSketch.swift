/// Which agents read a key of late: so many of the last distinct ones as decide on promotion.
///
/// A table of fixed size: keys that meet in it push each other out, the one with fewer readers
/// first. A value; not safe to share.
struct ReaderSketch {
    private struct Cell {
        var key: UInt64 = 0
        var readers = SIMD8<UInt32>()
        /// When each was seen last, in periods.
        var periods = SIMD8<UInt32>()

        func count(since period: UInt32) -> Int {
            var count = 0
            for index in 0..<8 where readers[index] != 0 && periods[index] >= period { count += 1 }
            return count
        }
    }

    private var cells: [Cell]
    private let periodNanos: Int64

    /// The most readers that can be told apart.
    static let maxReaders = 8
    private static let cellCount = 512

    init(periodNanos: Int64) {
        self.periodNanos = max(periodNanos, 1)
        cells = Array(repeating: Cell(), count: Self.cellCount)
    }

    /// Notes a read and says how many distinct agents have read the key of late.
    mutating func note(_ key: UInt64, by reader: CacheReader, now: Int64) -> Int {
        let period = self.period(now)
        let place = self.place(of: key, period)
        if cells[place].key != key {
            cells[place] = Cell()
            cells[place].key = key
        }
        let mark = UInt32(truncatingIfNeeded: reader.hash >> 32) | 1
        let seat = Self.seat(for: mark, in: cells[place])
        cells[place].readers[seat] = mark
        cells[place].periods[seat] = period
        return cells[place].count(since: period - 1)
    }

    /// How many distinct agents have read the key of late.
    func count(_ key: UInt64, now: Int64) -> Int {
        let period = self.period(now)
        let cell = cells[place(of: key, period)]
        return cell.key == key ? cell.count(since: period - 1) : 0
    }

    private func period(_ now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: max(now, 0) / periodNanos) &+ 1
    }

    /// The key's own place, or of its two possible ones that with fewer readers.
    private func place(of key: UInt64, _ period: UInt32) -> Int {
        let first = Int(truncatingIfNeeded: key >> 40) & (Self.cellCount - 1)
        let second = first ^ 1
        if cells[first].key == key { return first }
        if cells[second].key == key { return second }
        let fewer = cells[second].count(since: period - 1) < cells[first].count(since: period - 1)
        return fewer ? second : first
    }

    /// The reader's own seat, or the one that was unused longest.
    private static func seat(for mark: UInt32, in cell: Cell) -> Int {
        var oldest = 0
        for index in 0..<maxReaders {
            if cell.readers[index] == mark { return index }
            if cell.periods[index] < cell.periods[oldest] { oldest = index }
        }
        return oldest
    }
}
