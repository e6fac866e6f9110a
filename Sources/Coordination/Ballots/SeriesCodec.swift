/// The stored form of series: totals, decisions and accuracies, a row each.
public enum SeriesCodec {
    /// The key of a row that belongs to a series.
    public static func key(_ series: String, _ name: String) -> String {
        "\(series.utf8.count):\(series)\(name)"
    }

    // MARK: Totals

    /// Stored bytes of a series' totals.
    public static func encode(_ series: BallotSeries) -> [UInt8] {
        var writer = ByteWriter(capacity: 32)
        writer.byte(1)
        writer.signed(series.judged)
        writer.signed(series.correct)
        writer.signed(series.lastMillis)
        return writer.bytes
    }

    /// A series with its totals alone.
    public static func decodeSeries(_ bytes: [UInt8]) throws(CodecError) -> BallotSeries {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return BallotSeries(
            judged: try reader.signed(), correct: try reader.signed(),
            lastMillis: try reader.signed())
    }

    // MARK: Accuracies

    /// Stored bytes of what was learnt of a voter, with its series.
    public static func encode(
        _ accuracy: VoterAccuracy, of voter: String, in series: String
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.byte(1)
        writer.string(series)
        writer.string(voter)
        writer.signed(accuracy.judged)
        writer.signed(accuracy.right)
        writer.double(accuracy.fadedRight)
        writer.double(accuracy.fadedWrong)
        return writer.bytes
    }

    /// What was learnt of a voter.
    public static func decodeAccuracy(
        _ bytes: [UInt8]
    ) throws(CodecError) -> (series: String, voter: String, accuracy: VoterAccuracy) {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let series = try reader.string()
        let voter = try reader.string()
        let accuracy = VoterAccuracy(
            judged: try reader.signed(), right: try reader.signed(),
            fadedRight: try reader.double(), fadedWrong: try reader.double())
        return (series, voter, accuracy)
    }

    // MARK: Decisions

    /// Stored bytes of a decision, with its series.
    public static func encode(_ record: BallotRecord, in series: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + record.votes.count * 40)
        writer.byte(1)
        writer.string(series)
        writer.string(record.id)
        writer.signed(record.atMillis)
        writer.byte(record.method.rawValue)
        writer.byte(record.equivalence.rule.rawValue)
        writer.string(record.equivalence.field)
        writer.double(record.equivalence.absoluteTolerance)
        writer.double(record.equivalence.relativeTolerance)
        writer.optional(record.result, write)
        writer.array(record.votes) { writer, vote in
            writer.string(vote.voter)
            write(&writer, vote.value)
            writer.bool(vote.isBacker)
        }
        writer.optional(record.outcome) { writer, outcome in
            writer.unsigned(outcome.fingerprint)
            writer.bool(outcome.isRight)
        }
        return writer.bytes
    }

    /// A decision and its series.
    public static func decodeRecord(
        _ bytes: [UInt8]
    ) throws(CodecError) -> (series: String, record: BallotRecord) {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let series = try reader.string()
        let id = try reader.string()
        let atMillis = try reader.signed()
        guard let method = BallotRules.Method(rawValue: try reader.byte()),
            let rule = AnswerEquivalence.Rule(rawValue: try reader.byte())
        else { throw CodecError("a method or rule of a ballot is unknown", at: 0) }
        let equivalence = AnswerEquivalence(
            rule: rule, field: try reader.string(), absoluteTolerance: try reader.double(),
            relativeTolerance: try reader.double())
        let result = try reader.optional(value)
        let votes = try reader.array(vote)
        let outcome = try reader.optional(outcome)
        return (
            series,
            BallotRecord(
                id: id, atMillis: atMillis, method: method, equivalence: equivalence,
                result: result, votes: votes, outcome: outcome)
        )
    }

    private static func write(_ writer: inout ByteWriter, _ value: AnswerValue) {
        switch value {
        case .key(let key):
            writer.byte(1)
            writer.double(Double(bitPattern: key.high))
            writer.double(Double(bitPattern: key.low))
        case .number(let number):
            writer.byte(2)
            writer.double(number)
        }
    }

    private static func value(_ reader: inout ByteReader) throws(CodecError) -> AnswerValue {
        switch try reader.byte() {
        case 1:
            let high = try reader.double().bitPattern
            return .key(AnswerKey(high: high, low: try reader.double().bitPattern))
        case 2: return .number(try reader.double())
        case let kind: throw CodecError("an answer of kind \(kind) is unknown", at: 0)
        }
    }

    private static func vote(_ reader: inout ByteReader) throws(CodecError) -> BallotRecord.Vote {
        BallotRecord.Vote(
            voter: try reader.string(), value: try value(&reader), isBacker: try reader.bool())
    }

    private static func outcome(
        _ reader: inout ByteReader
    ) throws(CodecError) -> BallotRecord.Outcome {
        BallotRecord.Outcome(
            fingerprint: try reader.unsigned(), isRight: try reader.bool())
    }
}
