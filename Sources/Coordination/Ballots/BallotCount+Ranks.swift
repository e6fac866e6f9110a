/// Rankings: the option wins that more weight ranks above each other one than below it (Condorcet).
extension BallotCount {
    /// The places of the options in one answer.
    private struct Ranking {
        var voter: Int
        var weight: Int64
        var options: [String]
        var places: [String: Int]

        /// Whether it ranks an option above another one; what is not listed ranks last.
        func prefers(_ option: String, to other: String) -> Bool {
            guard let place = places[option] else { return false }
            return places[other].map { place < $0 } ?? true
        }
    }

    private var rankings: [Ranking] {
        votes.compactMap { vote in
            guard case .ranking(let options) = vote.reading else { return nil }
            var places: [String: Int] = [:]
            for (place, option) in options.enumerated() { places[option] = place }
            return Ranking(voter: vote.voter, weight: vote.weight, options: options, places: places)
        }
    }

    /// Every option that somebody listed, in the order of the voters.
    private func options(of rankings: [Ranking]) -> [String] {
        var seen: Set<String> = []
        return rankings.flatMap(\.options).filter { seen.insert($0).inserted }
    }

    private func weight(_ rankings: [Ranking], _ option: String, over other: String) -> Int64 {
        rankings.reduce(0) { $1.prefers(option, to: other) ? $0 + $1.weight : $0 }
    }

    private func weight(_ rankings: [Ranking], listing option: String) -> Int64 {
        rankings.reduce(0) { $1.places[option] != nil ? $0 + $1.weight : $0 }
    }

    func rankedTally() -> BallotTally {
        let rankings = rankings
        let options = options(of: rankings)
        var tally = BallotTally(clusters: clusters)
        guard let leader = leader(rankings, options) else { return tally }
        tally.result = .option(leader)
        tally.behind = weight(rankings, listing: leader)
        tally.margin = tally.behind
        tally.reason = nil
        var isBeaten = false
        for other in options where other != leader {
            let ahead = weight(rankings, leader, over: other)
            let lead = ahead - weight(rankings, other, over: leader)
            tally.behind = min(tally.behind, ahead)
            tally.margin = min(tally.margin, lead)
            if lead < 0 { isBeaten = true }
            if lead <= 0 { tally.reason = .tie }
        }
        if isBeaten { tally.reason = .cycle }
        tally.margin = max(0, tally.margin)
        tally.backers = Set(rankings.filter { $0.options.first == leader }.map(\.voter))
        return tally
    }

    /// The only option that can beat all others: whoever beats the one before takes its place, and
    /// one that beats all is never replaced.
    private func leader(_ rankings: [Ranking], _ options: [String]) -> String? {
        guard var leader = options.first else { return nil }
        for option in options.dropFirst()
        where weight(rankings, option, over: leader) > weight(rankings, leader, over: option) {
            leader = option
        }
        return leader
    }

    /// The leader stays ahead of each other option, also of one that nobody has listed yet.
    var rankingsAreDecided: Bool {
        let rankings = rankings
        let options = options(of: rankings)
        guard let leader = leader(rankings, options) else { return false }
        let listing = weight(rankings, listing: leader)
        guard listing > out, isSupported(listing, of: answered + out) else { return false }
        return options.allSatisfy { other in
            if other == leader { return true }
            let ahead = weight(rankings, leader, over: other)
            return ahead - weight(rankings, other, over: leader) > out
                && isSupported(ahead, of: answered + out)
        }
    }

    /// Looked at only when it is cheap: with many options somebody might still win.
    private static let fewOptions = 16

    var rankingsCanDecide: Bool {
        let rankings = rankings
        let options = options(of: rankings)
        if options.count > Self.fewOptions || options.isEmpty { return true }
        let isNewPossible =
            options.allSatisfy { weight(rankings, listing: $0) < out }
            && isSupported(out, of: answered + out)
        return isNewPossible
            || options.contains { option in
                options.allSatisfy { other in
                    if other == option { return true }
                    let ahead = weight(rankings, option, over: other) + out
                    return ahead > weight(rankings, other, over: option)
                        && isSupported(ahead, of: answered + out)
                } && isSupported(weight(rankings, listing: option) + out, of: answered + out)
            }
    }
}
