/// The coins of the simulated exchange at an instant. Remembers what it has worked out; belongs
/// to one event loop.
struct SimulatedMarket {
    let hash: SeededHash
    let prices: SimulatedPrices
    /// A year, which comes to about 2,900 pairs, as many as the real exchange has.
    static let defaultLifeDays = 365

    private var planned: [Int64: [SimulatedCoin]] = [:]

    private let lifeMillis: Int64

    /// - Parameter lifeDays: how long a coin stays listed after its planned opening.
    init(seed: UInt64, lifeDays: Int = SimulatedMarket.defaultLifeDays) {
        lifeMillis = Int64(lifeDays) * UTCInstant.millisPerDay
        hash = SeededHash(seed: seed)
        prices = SimulatedPrices(hash: hash)
    }

    /// Every coin that is announced or listed, by planned opening.
    mutating func coins(at millis: Int64) -> [SimulatedCoin] {
        let hour = UTCInstant.millisPerHour
        let first = (millis - lifeMillis) / hour - 1
        let last = (millis + SimulatedCoin.longestNoticeMillis) / hour + 1
        // What has left the window is forgotten once it outweighs the window.
        if planned.count > 2 * Int(last - first) {
            planned = planned.filter { (first...last).contains($0.key) }
        }
        return (first...last).flatMap { coins(inHour: $0) }
    }

    private mutating func coins(inHour hour: Int64) -> [SimulatedCoin] {
        if let known = planned[hour] { return known }
        let coins = SimulatedCoin.planned(inHour: hour, lifeMillis: lifeMillis, hash)
        planned[hour] = coins
        return coins
    }

    /// The coin that trades under a symbol.
    mutating func liveCoin(_ symbol: String, at millis: Int64) -> SimulatedCoin? {
        coins(at: millis).first { $0.isLive(at: millis) && $0.symbol == symbol }
    }
}
