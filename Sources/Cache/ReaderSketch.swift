/// Which agents read a key of late: so many distinct ones as decide on promotion.
///
/// A table of cells, of which a key may have any in its bucket. It grows while keys that are still
/// read would push each other out, up to as many cells as keys that the agents' tiers can hold; then
/// the key with the fewest readers goes. A value; not safe to share.
struct ReaderSketch {
    private struct Bucket {
        /// What of its hash names the key of each cell; 0: the cell is free.
        var names = SIMD8<UInt32>()
        /// In which period each key was read last.
        var periods = SIMD8<UInt32>()
    }

    private var buckets: [Bucket]
    /// So many in a row for each cell: what tells a reader apart, and in the lowest bit whether it read
    /// in the cell's last period or only in the one before; 0: nobody.
    private var marks: [UInt32]
    private let readers: Int
    private let maxBuckets: Int
    private let periodNanos: Int64

    /// The most readers that can be told apart.
    static let maxReaders = 8
    private static let bucketCells = 8
    private static let firstBuckets = 64

    /// - Parameters:
    ///   - readers: how many distinct readers of a key are counted, up to ``maxReaders``.
    ///   - keys: how many keys it has cells for when it is full grown.
    init(periodNanos: Int64, readers: Int, keys: Int) {
        self.periodNanos = max(periodNanos, 1)
        self.readers = readers
        var most = Self.firstBuckets
        while most * Self.bucketCells < keys { most *= 2 }
        maxBuckets = most
        buckets = Array(repeating: Bucket(), count: Self.firstBuckets)
        marks = Array(repeating: 0, count: Self.firstBuckets * Self.bucketCells * readers)
    }

    /// Keys that it has cells for now.
    var cellCount: Int { buckets.count * Self.bucketCells }

    /// Notes a read and says how many distinct agents have read the key of late.
    mutating func note(_ key: UInt64, by reader: CacheReader, now: Int64) -> Int {
        let (name, period) = (Self.name(of: key), period(now))
        let cell = cell(of: name) ?? take(name, period)
        begin(period, cell)
        let mark = UInt32(truncatingIfNeeded: reader.hash >> 32) | 1
        if let seat = seat(for: mark, in: cell) { marks[seat] = mark }
        return count(cell, period)
    }

    /// How many distinct agents have read the key of late.
    func count(_ key: UInt64, now: Int64) -> Int {
        cell(of: Self.name(of: key)).map { count($0, period(now)) } ?? 0
    }

    private func period(_ now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: max(now, 0) / periodNanos) &+ 1
    }

    /// Bits of the hash that do not choose the shard.
    private static func name(of key: UInt64) -> UInt32 {
        max(UInt32(truncatingIfNeeded: key >> 26), 1)
    }

    // MARK: Cells

    private func bucket(of name: UInt32) -> Int { Int(name) & (buckets.count - 1) }

    private func cell(of name: UInt32) -> Int? {
        let bucket = bucket(of: name)
        let isNamed = buckets[bucket].names .== name
        guard any(isNamed) else { return nil }
        return (0..<Self.bucketCells).first { isNamed[$0] }.map { bucket * Self.bucketCells + $0 }
    }

    /// Gives a key the cell of its bucket with the fewest readers of late.
    private mutating func take(_ name: UInt32, _ period: UInt32) -> Int {
        var cell = emptiest(bucket(of: name), period)
        while count(cell, period) > 0, buckets.count < maxBuckets {
            grow()
            cell = emptiest(bucket(of: name), period)
        }
        for seat in seats(cell) { marks[seat] = 0 }
        let (bucket, place) = cell.quotientAndRemainder(dividingBy: Self.bucketCells)
        buckets[bucket].names[place] = name
        buckets[bucket].periods[place] = period
        return cell
    }

    private func emptiest(_ bucket: Int, _ period: UInt32) -> Int {
        let first = bucket * Self.bucketCells
        var (found, fewest) = (first, Int.max)
        for cell in first..<first + Self.bucketCells {
            let count = count(cell, period)
            if count < fewest { (found, fewest) = (cell, count) }
        }
        return found
    }

    /// Twice as many buckets: each key stays where it is, or goes to the same place as much further on.
    private mutating func grow() {
        let (old, half) = (buckets, buckets.count)
        buckets += old
        marks += marks
        for bucket in 0..<half {
            for place in 0..<Self.bucketCells where old[bucket].names[place] != 0 {
                let goes = Int(old[bucket].names[place]) & half != 0
                free(goes ? bucket : bucket + half, place)
            }
        }
    }

    private mutating func free(_ bucket: Int, _ place: Int) {
        buckets[bucket].names[place] = 0
        for seat in seats(bucket * Self.bucketCells + place) { marks[seat] = 0 }
    }

    // MARK: Readers of a cell

    private func seats(_ cell: Int) -> Range<Int> { cell * readers..<(cell + 1) * readers }

    /// How many periods ago the key was read last; one that is said to come is this one, for the
    /// callers' clocks differ.
    private func age(_ cell: Int, _ period: UInt32) -> UInt32 {
        let (bucket, place) = cell.quotientAndRemainder(dividingBy: Self.bucketCells)
        let last = buckets[bucket].periods[place]
        return period > last ? period - last : 0
    }

    private func count(_ cell: Int, _ period: UInt32) -> Int {
        switch age(cell, period) {
        case 0: marks[seats(cell)].count { $0 != 0 }
        case 1: marks[seats(cell)].count { $0 & 1 == 1 }
        default: 0
        }
    }

    /// Forgets who read the key only before the last period.
    private mutating func begin(_ period: UInt32, _ cell: Int) {
        let age = age(cell, period)
        if age == 0 { return }
        for seat in seats(cell) {
            marks[seat] = age == 1 && marks[seat] & 1 == 1 ? marks[seat] & ~1 : 0
        }
        let (bucket, place) = cell.quotientAndRemainder(dividingBy: Self.bucketCells)
        buckets[bucket].periods[place] = period
    }

    /// The reader's own seat, or one of nobody, or of who read longer ago; `nil`: as many as are counted
    /// read in this period.
    private func seat(for mark: UInt32, in cell: Int) -> Int? {
        let seats = seats(cell)
        return seats.first { marks[$0] | 1 == mark && marks[$0] != 0 }
            ?? seats.first { marks[$0] == 0 } ?? seats.first { marks[$0] & 1 == 0 }
    }
}
