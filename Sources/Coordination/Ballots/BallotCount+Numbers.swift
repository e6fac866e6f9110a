/// Numbers: groups of those that lie close together, the median and the trimmed mean.
extension BallotCount {
    private struct Point {
        var number: Double
        var vote: Vote
    }

    /// Ascending; equal ones in the order of the voters.
    private func points(of votes: [Vote]) -> [Point] {
        let points = votes.compactMap { vote -> Point? in
            guard case .number(let number) = vote.reading else { return nil }
            return Point(number: number, vote: vote)
        }
        return points.sorted {
            $0.number == $1.number ? $0.vote.voter < $1.vote.voter : $0.number < $1.number
        }
    }

    /// Groups whose smallest and largest number are the same answer: the heaviest first, then the
    /// heaviest of what is left, and so on; of equally heavy ones that with the smallest number.
    func numberClusters(of votes: [Vote]) -> [BallotVerdict.Cluster] {
        var rest = points(of: votes)
        var clusters: [BallotVerdict.Cluster] = []
        while let window = windows(of: rest).first {
            clusters.append(cluster(rest[window]))
            rest.removeSubrange(window)
        }
        return clusters
    }

    /// Whether another group of numbers, which may share some with the first, is as heavy.
    func isTiedWindow(_ first: BallotVerdict.Cluster) -> Bool {
        guard rules.equivalence.rule == .number else { return false }
        let points = points(of: votes)
        return windows(of: points).count { window in
            points[window].reduce(0) { $0 + $1.vote.weight } == first.weight
        } > 1
    }

    /// The largest group that begins at each number, the heaviest first.
    private func windows(of points: [Point]) -> [Range<Int>] {
        var found: [(range: Range<Int>, weight: Int64)] = []
        for start in points.indices {
            var end = start
            var weight: Int64 = 0
            while end < points.count,
                rules.equivalence.isSame(points[start].number, points[end].number)
            {
                weight += points[end].vote.weight
                end += 1
            }
            // One inside the last one says nothing new.
            if let last = found.last, end <= last.range.upperBound { continue }
            found.append((start..<end, weight))
        }
        return found.sorted {
            $0.weight == $1.weight
                ? $0.range.lowerBound < $1.range.lowerBound : $0.weight > $1.weight
        }.map(\.range)
    }

    private func cluster(_ points: ArraySlice<Point>) -> BallotVerdict.Cluster {
        let middle = points[points.startIndex + (points.count - 1) / 2]
        return BallotVerdict.Cluster(
            speaker: middle.vote.voter, voters: points.map(\.vote.voter).sorted(),
            weight: points.reduce(0) { $0 + $1.vote.weight })
    }

    // MARK: Median and trimmed mean

    func numberTally() -> BallotTally {
        var tally = BallotTally(clusters: numberClusters(of: votes))
        let points = points(of: votes)
        guard !points.isEmpty else { return tally }
        let result = center(of: points.map(\.number))
        tally.result = .number(result)
        var others: [Vote] = []
        for point in points {
            if rules.equivalence.isSame(point.number, result) {
                tally.behind += point.vote.weight
                tally.backers.insert(point.vote.voter)
            } else {
                others.append(point.vote)
            }
        }
        let second = numberClusters(of: others).first?.weight ?? 0
        tally.margin = max(0, tally.behind - second)
        return tally
    }

    /// The median or trimmed mean of ascending numbers.
    private func center(of numbers: [Double]) -> Double {
        if rules.method == .median {
            let low = numbers[(numbers.count - 1) / 2]
            let high = numbers[numbers.count / 2]
            return low == high ? low : low / 2 + high / 2
        }
        let cut = trimmed(numbers.count)
        let kept = numbers[cut..<(numbers.count - cut)]
        // A mean of equal numbers is that number, whatever rounding says.
        if kept.first == kept.last { return numbers[cut] }
        // Divided once, so that whole numbers have the mean that they have; where the sum has no double,
        // each is divided by itself.
        let count = Double(kept.count)
        let sum = kept.reduce(0, +)
        return sum.isFinite ? sum / count : kept.reduce(0) { $0 + $1 / count }
    }

    /// How many of `count` numbers are cut off at either end.
    private func trimmed(_ count: Int) -> Int {
        min(Int(rules.trim * Double(count) + BallotArithmetic.lost), (count - 1) / 2)
    }

    /// The value that no answers of those that are out can move; `nil`: they may move it.
    private var certainCenter: Double? {
        let numbers = points(of: votes).map(\.number)
        let more = outstanding.count
        guard !numbers.isEmpty else { return nil }
        if rules.method == .median {
            // All that are out lie below, or all above: the middle moves by half their number.
            let low = numbers.count - 1 - more
            guard low >= 0 else { return nil }
            let lowest = numbers[low / 2]
            let highest = numbers[(numbers.count + more) / 2]
            return lowest == highest ? lowest : nil
        }
        guard numbers.first == numbers.last else { return nil }
        let isCutOff = (1...more).allSatisfy { $0 <= trimmed(numbers.count + $0) }
        return isCutOff ? numbers[0] : nil
    }

    var numbersAreDecided: Bool {
        guard let value = certainCenter else { return false }
        return isSupported(weight(near: value), of: answered + out)
    }

    var numbersCanDecide: Bool {
        if rules.support == nil { return true }
        let near = certainCenter.map(weight(near:)) ?? heaviestAround
        return isSupported(near + out, of: answered + out)
    }

    /// At least the weight of the votes that can be the same as one and the same result.
    private var heaviestAround: Int64 {
        var points = points(of: votes)
        if rules.method == .median, !rules.equivalence.isTolerant {
            let range = medianRange
            points.removeAll { !range.contains($0.number) }
        }
        return points.indices.reduce(0) { most, start in
            let group = points[start...].filter { canMeet(points[start].number, $0.number) }
            return max(most, group.reduce(0) { $0 + $1.vote.weight })
        }
    }

    /// Between which numbers the median will lie, whatever those that are out answer.
    private var medianRange: ClosedRange<Double> {
        let numbers = points(of: votes).map(\.number)
        let low = Array(repeating: -Double.infinity, count: outstanding.count) + numbers
        let high = numbers + Array(repeating: Double.infinity, count: outstanding.count)
        return center(of: low)...center(of: high)
    }

    /// Whether two numbers, ascending, can be the same as one: it lies between them at best, no further
    /// from either than a tolerance of the larger one's size.
    private func canMeet(_ low: Double, _ high: Double) -> Bool {
        let size = max(low.magnitude, high.magnitude)
        let tolerance = max(
            rules.equivalence.absoluteTolerance, rules.equivalence.relativeTolerance * size)
        return high - low <= 2 * tolerance * (1 + BallotArithmetic.lost)
    }

    private func weight(near value: Double) -> Int64 {
        points(of: votes).reduce(0) {
            rules.equivalence.isSame($1.number, value) ? $0 + $1.vote.weight : $0
        }
    }
}
