import Testing

@testable import Coordination

@Suite struct SeriesTests {
    private static let key = AnswerValue.key(AnswerKey(high: 1, low: 2))
    private static let other = AnswerValue.key(AnswerKey(high: 3, low: 4))

    static func record(
        _ id: String, _ votes: [(String, AnswerValue)], result: AnswerValue?, at: Int64 = 5,
        tolerance: Double = 0
    ) -> BallotRecord {
        BallotRecord(
            id: id, atMillis: at, method: .majority,
            equivalence: AnswerEquivalence(rule: .number, absoluteTolerance: tolerance),
            result: result,
            votes: votes.map {
                BallotRecord.Vote(voter: $0.0, value: $0.1, isBacker: $0.1 == result)
            })
    }

    @Test func `the truth says who was right, once`() {
        var series = BallotSeries()
        _ = series.keep(
            Self.record(
                "d", [("a", Self.key), ("b", Self.other), ("c", Self.key)], result: Self.key))
        let unknown = series.judge("e", .correct(true))
        #expect(unknown == .unknown)
        let learnt = series.judge("d", .truth(Self.other))
        #expect(learnt == .learnt(isRight: false, voters: ["a", "b", "c"]))
        let again = series.judge("d", .truth(Self.other))
        #expect(again == .repeated(isRight: false))
        let other = series.judge("d", .correct(true))
        #expect(other == .contradicts)
        #expect(series.voters["b"]?.right == 1 && series.voters["a"]?.right == 0)
        #expect(series.judged == 1 && series.correct == 0)
        #expect(series.voters["b"]?.accuracy == 2.0 / 3)
    }

    @Test func `that a decision was wrong says nothing of those that were against it`() {
        var series = BallotSeries()
        let votes = [("a", Self.key), ("b", Self.other)]
        _ = series.keep(Self.record("bad", votes, result: Self.key))
        _ = series.keep(Self.record("good", votes, result: Self.key))
        let wrong = series.judge("bad", .correct(false))
        #expect(wrong == .learnt(isRight: false, voters: ["a"]))
        let right = series.judge("good", .correct(true))
        #expect(right == .learnt(isRight: true, voters: ["a", "b"]))
        #expect(series.voters["a"]?.judged == 2 && series.voters["b"]?.right == 0)
    }

    @Test func `where nothing was decided, nothing was right or wrong`() {
        var series = BallotSeries()
        _ = series.keep(
            Self.record("none", [("a", Self.key), ("b", Self.other)], result: nil))
        for isRight in [true, false] {
            let judgement = series.judge("none", .correct(isRight))
            #expect(judgement == .undecided)
        }
        #expect(series.judged == 0 && series.voters.isEmpty)
        let truth = series.judge("none", .truth(Self.key))
        #expect(truth == .learnt(isRight: false, voters: ["a", "b"]))
        #expect(series.judged == 0 && series.correct == 0 && series.voters["a"]?.right == 1)
    }

    @Test func `numbers are right within the tolerance of their ballot`() {
        var series = BallotSeries()
        _ = series.keep(
            Self.record(
                "d", [("a", .number(10)), ("b", .number(11))], result: .number(10),
                tolerance: 0.5))
        let near = series.judge("d", .truth(.number(10.4)))
        #expect(near == .learnt(isRight: true, voters: ["a", "b"]))
        #expect(series.voters["a"]?.right == 1 && series.voters["b"]?.right == 0)
    }

    @Test func `it keeps its newest decisions`() {
        var series = BallotSeries()
        for number in 0..<BallotSeries.maxRecords {
            let dropped = series.keep(Self.record("\(number)", [], result: nil))
            #expect(dropped == nil)
        }
        let dropped = series.keep(Self.record("new", [], result: nil))
        #expect(dropped == "0")
        #expect(!series.holds("0") && series.holds("1") && series.holds("new"))
    }

    @Test func `stored bytes come back, and those of version 1 for ever`() throws {
        var record = Self.record(
            "d1", [("ann", Self.key), ("bob", .number(-2.5))], result: Self.key, at: 1_700)
        record.outcome = BallotRecord.Outcome(fingerprint: 99, isRight: true)
        let bytes = SeriesCodec.encode(record, in: "s")
        #expect(
            bytes == [
                1, 1, 115, 2, 100, 49, 200, 26, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 3, 97, 110, 110, 1,
                1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 3, 98, 111, 98, 2, 0, 0, 0, 0, 0,
                0, 4, 192, 0, 1, 99, 1,
            ])
        let back = try SeriesCodec.decodeRecord(bytes)
        #expect(back.series == "s" && back.record == record)
        var accuracy = VoterAccuracy()
        accuracy.learn(isRight: true)
        let known = try SeriesCodec.decodeAccuracy(
            SeriesCodec.encode(accuracy, of: "ann", in: "s"))
        #expect(known.series == "s" && known.voter == "ann" && known.accuracy == accuracy)
        let totals = try SeriesCodec.decodeSeries(
            SeriesCodec.encode(BallotSeries(judged: 7, correct: 3, lastMillis: 12)))
        #expect(totals.judged == 7 && totals.correct == 3 && totals.lastMillis == 12)
        #expect(throws: CodecError.self) { try SeriesCodec.decodeRecord([1, 2]) }
        #expect(throws: CodecError.self) { try SeriesCodec.decodeSeries([9]) }
        for length in bytes.indices {
            #expect(throws: CodecError.self) {
                try SeriesCodec.decodeRecord(Array(bytes[..<length]))
            }
        }
    }

    @Test func `a report measures agreement over the series and names those that always agree`() {
        let records = (0..<6).map { number in
            Self.record(
                "\(number)",
                [
                    ("a", .number(Double(number))), ("b", .number(Double(number))),
                    ("c", .number(Double(number % 2))),
                ], result: .number(Double(number)))
        }
        let report = SeriesReport(records[...])
        #expect(report.decisions == 6 && report.decided == 6)
        #expect(report.pairs.first.map { "\($0.first)\($0.second)\($0.agreed)" } == "ab6")
        #expect(report.pairs.count == 3)
        #expect(report.alphaNominal != nil && report.alphaInterval != nil && report.kappa != nil)
        let mixed = SeriesReport([
            Self.record("x", [("a", Self.key), ("b", .number(1))], result: nil)
        ])
        #expect(mixed.alphaInterval == nil && mixed.alphaNominal == 0 && mixed.decided == 0)
    }
}
