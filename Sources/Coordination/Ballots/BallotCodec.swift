/// The stored form of a `ballot` step's voters and rules, as a part of its definition.
enum BallotCodec {
    static func write(_ spec: BallotSpec, _ writer: inout ByteWriter) {
        writer.byte(1)
        writer.array(spec.voters) { writer, voter in
            writer.string(voter.name)
            writer.string(voter.agentType)
            writer.string(voter.agentID)
            writer.bool(voter.isEveryInstance)
            writer.double(voter.weight)
            writer.string(voter.operation)
        }
        let rules = spec.rules
        writer.double(rules.quorum)
        writer.optional(rules.support) { $0.double($1) }
        writer.byte(rules.method.rawValue)
        writer.byte(rules.equivalence.rule.rawValue)
        writer.string(rules.equivalence.field)
        writer.double(rules.equivalence.absoluteTolerance)
        writer.double(rules.equivalence.relativeTolerance)
        writer.double(rules.trim)
        writer.bool(rules.weighsByAccuracy)
        writer.string(rules.series)
        writer.bool(rules.hearsAll)
    }

    static func read(_ reader: inout ByteReader) throws(CodecError) -> BallotSpec {
        _ = try reader.version(newest: 1)
        let voters = try reader.array(voter)
        let quorum = try reader.double()
        let support = try reader.optionalDouble()
        let method: BallotRules.Method = try reader.choice("voting method")
        let equivalence = AnswerEquivalence(
            rule: try reader.choice("equivalence rule"), field: try reader.string(),
            absoluteTolerance: try reader.double(), relativeTolerance: try reader.double())
        return BallotSpec(
            voters: voters,
            rules: BallotRules(
                quorum: quorum, support: support, method: method, equivalence: equivalence,
                trim: try reader.double(), weighsByAccuracy: try reader.bool(),
                series: try reader.string(), hearsAll: try reader.bool()))
    }

    private static func voter(_ reader: inout ByteReader) throws(CodecError) -> BallotSpec.Voter {
        BallotSpec.Voter(
            name: try reader.string(), agentType: try reader.string(),
            agentID: try reader.string(), isEveryInstance: try reader.bool(),
            weight: try reader.double(), operation: try reader.string())
    }
}
