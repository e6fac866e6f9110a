/// Chooses how much of a tier is given to what came lately.
///
/// Ghosts play the cache with each of a few windows on a sample of the requests; the window whose
/// ghost hits most is taken. Nothing is tried on the cache itself, so trying costs no hits. One
/// chooser serves all shards of a tier. A value; not safe to share.
struct WindowChooser {
    /// The windows that are played, as shares of the capacity. The cache begins with the first.
    static let shares = [0.005, 0.1, 0.4, 0.95]

    private var scores = Array(repeating: 0.0, count: shares.count)
    private var requests = 0.0
    private var requestsOfRound = 0
    private var chosen = 0

    /// Requests of a round at the least.
    private static let leastRound = 500
    /// What an old round counts for in the next one.
    private static let memory = 0.5
    /// Of all requests, the share of more hits that a change must promise, beyond chance.
    private static let leastGain = 0.01

    /// The share to aim at.
    var share: Double { Self.shares[chosen] }

    /// Takes what the ghosts of one shard did since they told the last time.
    ///
    /// - Parameter ghostEntries: how many entries the ghosts of all shards hold for one window. Two
    ///   requests for each make a round, at the end of which the choice is looked at again.
    mutating func add(hits: [Int], requests count: Int, ghostEntries: Int) {
        for index in scores.indices { scores[index] += Double(hits[index]) }
        requests += Double(count)
        requestsOfRound += count
        if requestsOfRound >= max(2 * ghostEntries, Self.leastRound) { decide() }
    }

    private mutating func decide() {
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        // Counts of n hits differ by about the root of n without a reason.
        let needed = Self.leastGain * requests + max(scores[best], 1).squareRoot()
        if scores[best] - scores[chosen] > needed { chosen = best }
        for index in scores.indices { scores[index] *= Self.memory }
        requests *= Self.memory
        requestsOfRound = 0
    }
}
