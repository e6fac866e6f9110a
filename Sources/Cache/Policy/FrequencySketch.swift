/// How often keys were asked for of late: a count-min sketch (Cormode and Muthukrishnan) of 4-bit
/// counters that are halved now and then, as TinyLFU (Einziger, Friedman and Manes) does it.
///
/// The four counters of a key lie in one line of memory. A value; not safe to share.
struct FrequencySketch {
    /// Sixteen counters a word, eight words a block, one block a key.
    private var words: [UInt64]
    private var blockMask: UInt64
    /// Increments that did raise a counter, since the last ageing and half of those before.
    private var increments = 0
    private var period: Int

    /// The largest count.
    static let maxCount = 15
    /// Entries' worth of increments between two ageings: fewer, and what is hot is forgotten; more,
    /// and what was hot stays.
    private static let periodPerEntry = 12
    /// A sketch for a cache that holds about `expectedEntries`, of at least `minWords` (a power of
    /// two): in small caches more counters than entries, so that chance meetings do not decide.
    init(expectedEntries: Int, minWords: Int) {
        let count = Self.wordCount(expectedEntries, from: max(minWords, 8))
        words = Array(repeating: 0, count: count)
        blockMask = UInt64(count / 8 - 1)
        period = Self.period(expectedEntries)
    }

    /// Bytes it takes.
    var byteCount: Int { words.count * 8 }

    /// 0 to 15: at least how often the key was counted, ageing aside.
    func frequency(of hash: UInt64) -> Int {
        let block = Self.block(hash, blockMask)
        var least: UInt64 = 15
        for row in 0..<4 {
            let (word, shift) = Self.place(block, hash, row)
            least = min(least, words[word] >> shift & 15)
        }
        return Int(least)
    }

    /// Counts one request for the key.
    mutating func increment(_ hash: UInt64) {
        let block = Self.block(hash, blockMask)
        var raised = false
        for row in 0..<4 {
            let (word, shift) = Self.place(block, hash, row)
            if words[word] >> shift & 15 < 15 {
                words[word] &+= 1 << shift
                raised = true
            }
        }
        guard raised else { return }
        increments += 1
        if increments >= period { age() }
    }

    /// Fits the sketch to a cache that holds about so many entries now. Counts stay.
    mutating func fit(expectedEntries: Int) {
        period = Self.period(expectedEntries)
        let count = Self.wordCount(expectedEntries, from: words.count)
        // A key's block in the doubled table is its old one or that one's copy.
        while words.count < count { words += words }
        blockMask = UInt64(words.count / 8 - 1)
    }

    private mutating func age() {
        for index in words.indices { words[index] = words[index] >> 1 & 0x7777_7777_7777_7777 }
        increments /= 2
    }

    // MARK: Places

    private static func block(_ hash: UInt64, _ mask: UInt64) -> Int {
        Int(truncatingIfNeeded: ((hash >> 32) ^ hash) & mask) &* 8
    }

    /// Two words belong to each row; five bits of the hash choose among their 32 counters.
    private static func place(_ block: Int, _ hash: UInt64, _ row: Int) -> (
        word: Int, shift: UInt64
    ) {
        let choice = (hash &* 0x9E37_79B9_7F4A_7C15) >> UInt64(44 &+ row &* 5)
        return (block &+ row &* 2 &+ Int(truncatingIfNeeded: choice & 1), (choice & 30) << 1)
    }

    private static func wordCount(_ entries: Int, from least: Int) -> Int {
        var count = least
        while count < entries * 4 { count *= 2 }
        return count
    }

    private static func period(_ entries: Int) -> Int { max(entries, 16) * periodPerEntry }
}
