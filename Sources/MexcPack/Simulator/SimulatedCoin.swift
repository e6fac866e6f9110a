/// A coin of the simulated exchange, from its announcement to its end. Everything about it
/// follows from the seed and the hour it is meant to open in.
struct SimulatedCoin: Sendable, Hashable {
    /// Hour of the planned opening since 1970, times 4, plus its number in that hour.
    let serial: UInt64
    let vcoinID: String
    let pairID: String
    let ticker: String
    let name: String
    let zones: [String]
    let contractAddress: String
    /// When the new-coin calendar shows it, milliseconds.
    let announcedAt: Int64
    /// When the symbol list shows it.
    let listedAt: Int64
    /// The opening time that both show; never changed, also when the opening is late.
    let plannedOpening: Int64
    /// When trade really starts; `nil`: never.
    let opening: Int64?
    /// When it leaves the list.
    let delistedAt: Int64
    let launchPrice: Double
    /// Decimals of a price.
    let priceScale: Int
    /// Decimals of a quantity.
    let quantityScale: Int

    /// The symbol, quoted in USDT.
    var symbol: String { ticker + "USDT" }

    /// Whether trade has started.
    func isLive(at millis: Int64) -> Bool {
        guard let opening else { return false }
        return opening <= millis && millis < delistedAt
    }

    /// Whether the symbol list shows it.
    func isListed(at millis: Int64) -> Bool { listedAt <= millis && millis < delistedAt }

    /// Whether the calendar shows it: until a day after the planned opening.
    func isInCalendar(at millis: Int64) -> Bool {
        announcedAt <= millis && millis < plannedOpening + UTCInstant.millisPerDay
    }
}

extension SimulatedCoin {
    /// The longest time from announcement to opening.
    static let longestNoticeMillis: Int64 = 150 * UTCInstant.millisPerHour

    /// The coins that are meant to open in one hour: none most of the time, a third of a coin on
    /// average, so that about 2,900 are listed in a
    /// year.
    ///
    /// - Parameter lifeMillis: how long they stay listed after their planned opening.
    static func planned(
        inHour hour: Int64, lifeMillis: Int64, _ hash: SeededHash
    ) -> [SimulatedCoin] {
        let first = UInt64(bitPattern: hour) &* 4
        let chance = hash.unit(first, Aspect.count)
        let count = chance < 0.75 ? 0 : chance < 0.93 ? 1 : chance < 0.98 ? 2 : 3
        return (0..<UInt64(count)).map {
            SimulatedCoin(serial: first &+ $0, hour: hour, lifeMillis: lifeMillis, hash)
        }
    }

    private init(serial: UInt64, hour: Int64, lifeMillis: Int64, _ hash: SeededHash) {
        let quarter = Int64(hash.index(serial, Aspect.minute, below: 8))
        // Half of the openings are on the hour, as on the real exchange.
        let planned = hour * UTCInstant.millisPerHour + (quarter < 4 ? 0 : (quarter - 4) * 900_000)
        let listed = planned - SimulatedCoin.noticeMillis(serial, hash)
        let word = SimulatedCoin.noun(serial, hash)
        let price = SimulatedCoin.launchPrice(serial, hash)
        self.serial = serial
        vcoinID = SimulatedCoin.hex(hash, serial, Aspect.coin)
        pairID = SimulatedCoin.hex(hash, serial, Aspect.pair)
        ticker = SimulatedCoin.ticker(serial)
        name = "\(SimulatedCoin.adjective(serial, hash)) \(word.name)"
        zones = word.zone.map { ["mc-trade-zone-\($0)"] } ?? []
        // One in ten is a coin of its own chain and has no contract.
        contractAddress =
            hash.unit(serial, Aspect.contract) < 0.1
            ? "" : "0x" + SimulatedCoin.hex(hash, serial, Aspect.contract).prefix(40)
        announcedAt = listed - 6 * UTCInstant.millisPerHour
        listedAt = listed
        plannedOpening = planned
        opening = SimulatedCoin.delayMillis(serial, hash).map { planned + $0 }
        delistedAt = planned + lifeMillis
        launchPrice = price.value
        priceScale = price.scale
        quantityScale = 2
    }

    /// From listing to planned opening: eight in ten 15 to 22 h, one 40 h, one 138 h, as recorded.
    private static func noticeMillis(_ serial: UInt64, _ hash: SeededHash) -> Int64 {
        let hours: Double =
            switch hash.index(serial, Aspect.notice, below: 10) {
            case 0: 138
            case 1: 40.5
            default: 15 + 7 * hash.unit(serial, Aspect.noticeLength)
            }
        return Int64(hours * Double(UTCInstant.millisPerHour))
    }

    /// How late trade starts: on time for nearly nine in ten, then up to 3 h, up to 20 h for one
    /// in a hundred, never for one in five hundred.
    private static func delayMillis(_ serial: UInt64, _ hash: SeededHash) -> Int64? {
        let chance = hash.unit(serial, Aspect.delay)
        let share = hash.unit(serial, Aspect.delayLength)
        let hours: Double
        switch chance {
        case ..<0.002: return nil
        case ..<0.012: hours = 5 + 15 * share
        case ..<0.12: hours = 0.5 + 2.5 * share
        default: hours = 0
        }
        return Int64(hours * Double(UTCInstant.millisPerHour))
    }

    /// 0.0001 to 10 USDT, with a scale that leaves five digits or more.
    private static func launchPrice(
        _ serial: UInt64, _ hash: SeededHash
    ) -> (value: Double, scale: Int) {
        let magnitude = hash.index(serial, Aspect.magnitude, below: 5) - 4
        var value = 1 + 9 * hash.unit(serial, Aspect.price)
        for _ in 0..<max(0, 0 - magnitude) { value /= 10 }
        return (value, 4 - magnitude)
    }

    /// Three syllables. Multiplying by an odd number permutes 18 bits, so no two coins of seven
    /// years share a ticker.
    private static func ticker(_ serial: UInt64) -> String {
        let shuffled = (serial &* 0x2545F) & 0x3FFFF
        return [shuffled >> 12, shuffled >> 6 & 63, shuffled & 63].map(syllable).joined()
    }

    private static func syllable(_ sixBits: UInt64) -> String {
        String([consonants[Int(sixBits >> 2)], vowels[Int(sixBits & 3)]])
    }

    private static func adjective(_ serial: UInt64, _ hash: SeededHash) -> String {
        adjectives[hash.index(serial, Aspect.adjective, below: adjectives.count)]
    }

    private static func noun(_ serial: UInt64, _ hash: SeededHash) -> (name: String, zone: String?)
    {
        nouns[hash.index(serial, Aspect.noun, below: nouns.count)]
    }

    private static func hex(_ hash: SeededHash, _ serial: UInt64, _ aspect: UInt64) -> String {
        [hash.bits(serial, aspect), hash.bits(serial, aspect &+ 1)].map {
            let digits = String($0, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    private static let consonants = Array("BDFGHJKLMNPRSTVZ")
    private static let vowels = Array("AEIO")
    private static let adjectives = [
        "Amber", "Bright", "Cobalt", "Distant", "Early", "First", "Golden", "Hidden", "Inner",
        "Jade", "Keen", "Lunar", "Major", "North", "Open", "Prime", "Quiet", "Rapid", "Solar",
        "True",
    ]
    private static let nouns: [(name: String, zone: String?)] = [
        ("Network", nil), ("Protocol", nil), ("Chain", "layer2"), ("Labs", nil), ("Swap", nil),
        ("Finance", nil), ("AI", "ai"), ("Machine", "ai"), ("Game", "GameFi"), ("Metaverse", nil),
        ("Dog", "MEME"), ("Cat", "MEME"), ("Token", nil), ("Harbour", nil), ("Works", nil),
    ]

    /// Which property of a coin a random number is for. Hexadecimal ids use two each.
    private enum Aspect {
        static let count: UInt64 = 1
        static let minute: UInt64 = 2
        static let notice: UInt64 = 3
        static let noticeLength: UInt64 = 4
        static let delay: UInt64 = 5
        static let delayLength: UInt64 = 6
        static let magnitude: UInt64 = 7
        static let price: UInt64 = 8
        static let adjective: UInt64 = 9
        static let noun: UInt64 = 10
        static let coin: UInt64 = 20
        static let pair: UInt64 = 22
        static let contract: UInt64 = 24
    }
}
