/// One field of a cron expression: its range and the names that stand for numbers.
struct CronField {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let day = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ])
    static let weekday = CronField(
        name: "day of week", range: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    /// The numbers of a field as bits.
    func parse(_ text: Substring) throws(CronExpression.ParseFailure) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            bits |= try parsePart(part)
        }
        return bits
    }

    private func parsePart(_ text: Substring) throws(CronExpression.ParseFailure) -> UInt64 {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw failure(text, "has two steps") }
        var step = 1
        if halves.count == 2 {
            guard let number = Self.digits(halves[1]), number >= 1, number <= range.upperBound
            else {
                throw failure(text, "needs a step from 1 to \(range.upperBound)")
            }
            step = number
        }
        let numbers = try parseRange(halves[0], isOpen: halves.count == 2)
        return stride(from: numbers.lowerBound, through: numbers.upperBound, by: step)
            .reduce(0) { $0 | 1 << UInt64($1) }
    }

    /// - Parameter isOpen: whether a single number means all from it on.
    private func parseRange(
        _ text: Substring, isOpen: Bool
    ) throws(CronExpression.ParseFailure) -> ClosedRange<Int> {
        if text == "*" { return range }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { throw failure(text, "is no range") }
        let low = try number(ends[0], of: text)
        if ends.count == 1 { return low...(isOpen ? range.upperBound : low) }
        let high = try number(ends[1], of: text)
        guard low <= high else { throw failure(text, "goes backwards; write it as two ranges") }
        return low...high
    }

    private func number(
        _ word: Substring, of text: Substring
    ) throws(CronExpression.ParseFailure) -> Int {
        if let place = names.firstIndex(of: word.uppercased()) { return place + range.lowerBound }
        guard word.utf8.count <= 2, let number = Self.digits(word), range.contains(number) else {
            let known = names.isEmpty ? "" : ", or \(names[0]) to \(names[names.count - 1])"
            throw failure(
                text, "needs numbers from \(range.lowerBound) to \(range.upperBound)\(known)")
        }
        return number
    }

    /// A number without a sign.
    private static func digits(_ word: Substring) -> Int? {
        word.first == "+" ? nil : Int(word)
    }

    private func failure(
        _ text: Substring, _ problem: String
    ) -> CronExpression.ParseFailure {
        CronExpression.ParseFailure(message: "\(name) \"\(text)\" \(problem)")
    }
}
