/// Majority, weighted, unanimous: equal answers gather in groups.
extension BallotCount {
    func groupTally() -> BallotTally {
        let clusters = clusters
        var tally = BallotTally(clusters: clusters)
        guard let first = clusters.first else { return tally }
        let second = clusters.count > 1 ? clusters[1].weight : 0
        tally.behind = first.weight
        tally.margin = first.weight - second
        if rules.method == .unanimous {
            tally.reason = clusters.count > 1 ? .notUnanimous : nil
        } else if first.weight == second || isTiedWindow(first) {
            tally.reason = .tie
            tally.margin = 0
        }
        let isTie = tally.reason == .tie
        for cluster in clusters where cluster == first || isTie && cluster.weight == first.weight {
            tally.backers.formUnion(cluster.voters)
        }
        tally.result = .answer(of: first.speaker)
        return tally
    }

    /// All answers by what they say, the heaviest first; of equal ones that with the first voter.
    var clusters: [BallotVerdict.Cluster] {
        if rules.equivalence.rule == .number { return numberClusters(of: votes) }
        var places: [AnswerValue: Int] = [:]
        var clusters: [BallotVerdict.Cluster] = []
        for vote in votes {
            let value = vote.reading.value
            if let place = places[value] {
                clusters[place].voters.append(vote.voter)
                clusters[place].weight += vote.weight
            } else {
                places[value] = clusters.count
                clusters.append(
                    BallotVerdict.Cluster(
                        speaker: vote.voter, voters: [vote.voter], weight: vote.weight))
            }
        }
        return clusters.sorted(by: Self.isHeavier)
    }

    static func isHeavier(_ one: BallotVerdict.Cluster, _ other: BallotVerdict.Cluster) -> Bool {
        one.weight == other.weight ? one.voters[0] < other.voters[0] : one.weight > other.weight
    }

    /// The first can lead only if all that are out join it; nobody else could do better.
    var groupsCanDecide: Bool {
        let clusters = clusters
        if rules.method == .unanimous { return clusters.count <= 1 }
        let first = clusters.first?.weight ?? 0
        let second = clusters.count > 1 ? clusters[1].weight : 0
        let isAhead = isTolerant || first + out > second
        return isAhead && isSupported(first + out, of: answered + out)
    }

    /// The first stays ahead and supported though all that are out join the second.
    var groupsAreDecided: Bool {
        // One more voice can end unanimity, and one more number moves a group.
        if rules.method == .unanimous || isTolerant { return false }
        let clusters = clusters
        guard let first = clusters.first else { return false }
        let second = clusters.count > 1 ? clusters[1].weight : 0
        return first.weight > second + out && isSupported(first.weight, of: answered + out)
    }

    private var isTolerant: Bool {
        rules.equivalence.rule == .number && rules.equivalence.isTolerant
    }

    /// The share of all pairs of answers that are the same.
    var pairAgreement: Double {
        guard votes.count > 1 else { return 1 }
        var same = 0
        for (place, vote) in votes.enumerated() {
            for other in votes[(place + 1)...] where isSame(vote.reading, other.reading) {
                same += 1
            }
        }
        return Double(same) / Double(votes.count * (votes.count - 1) / 2)
    }

    private func isSame(_ one: AnswerReading, _ other: AnswerReading) -> Bool {
        if case .number(let first) = one, case .number(let second) = other {
            return rules.equivalence.isSame(first, second)
        }
        return one.value == other.value
    }
}
