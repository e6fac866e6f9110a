/// The coins of the simulated exchange at an instant. Remembers what it has worked out; belongs
/// to one event loop.
struct SimulatedMarket {
    let hash: SeededHash
    let prices: SimulatedPrices
    private var planned: [Int64: [SimulatedCoin]] = [:]

    init(seed: UInt64) {
        hash = SeededHash(seed: seed)
        prices = SimulatedPrices(hash: hash)
    }

    /// Every coin that is announced or listed, by planned opening.
    mutating func coins(at millis: Int64) -> [SimulatedCoin] {
        let hour = UTCInstant.millisPerHour
        let first = (millis - SimulatedCoin.lifeMillis) / hour - 1
        let last = (millis + SimulatedCoin.longestNoticeMillis) / hour + 1
        // What has left the window is forgotten once it outweighs the window.
        if planned.count > 2 * Int(last - first) {
            planned = planned.filter { (first...last).contains($0.key) }
        }
        return (first...last).flatMap { coins(inHour: $0) }
    }

    private mutating func coins(inHour hour: Int64) -> [SimulatedCoin] {
        if let known = planned[hour] { return known }
        let coins = SimulatedCoin.planned(inHour: hour, hash)
        planned[hour] = coins
        return coins
    }

    /// The coin that trades under a symbol.
    mutating func liveCoin(_ symbol: String, at millis: Int64) -> SimulatedCoin? {
        coins(at: millis).first { $0.isLive(at: millis) && $0.symbol == symbol }
    }
}
