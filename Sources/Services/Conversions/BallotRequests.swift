import Coordination
import Messages

extension BallotSpec {
    /// Reads voters and rules off the wire; 0 and unset become the documented defaults. What is out
    /// of range stays so, for ``faults(_:operation:)`` to name it; what is unknown is noted here.
    init(
        _ voters: [Messages.Voter], _ rules: Messages.BallotRules?, _ prefix: String,
        _ faults: inout FieldFaults
    ) {
        self.init(
            voters: voters.map(Voter.init),
            rules: Coordination.BallotRules(
                rules ?? Messages.BallotRules(), prefix + "rules.", &faults))
    }
}

extension BallotSpec.Voter {
    init(_ voter: Messages.Voter) {
        self.init(
            name: voter.name, agentType: voter.agentType, agentID: voter.agentID,
            isEveryInstance: voter.everyInstance, weight: voter.weight == 0 ? 1 : voter.weight,
            operation: voter.operation)
    }
}

extension Coordination.BallotRules {
    init(_ rules: Messages.BallotRules, _ prefix: String, _ faults: inout FieldFaults) {
        let method = Method(rules.method, prefix, &faults)
        self.init(
            quorum: rules.quorum == 0 ? 0.6 : rules.quorum,
            support: rules.support == 0 ? nil : rules.support, method: method,
            equivalence: Coordination.AnswerEquivalence(
                rules.equivalence ?? Messages.AnswerEquivalence(), method, prefix, &faults),
            trim: rules.trim == 0 ? 0.2 : rules.trim, series: rules.series,
            hearsAll: rules.hearAll)
        switch rules.weights {
        case .unspecified, .given: break
        case .accuracy: weighsByAccuracy = true
        case .unrecognized(let value):
            faults.check(false, "\(prefix)weights", "is \(value), which this server does not know")
        }
    }
}

extension Coordination.BallotRules.Method {
    init(_ method: VotingMethod, _ prefix: String, _ faults: inout FieldFaults) {
        switch method {
        case .unspecified, .majority: self = .majority
        case .weighted: self = .weighted
        case .unanimous: self = .unanimous
        case .ranked: self = .ranked
        case .median: self = .median
        case .trimmedMean: self = .trimmedMean
        case .unrecognized(let value):
            faults.check(false, "\(prefix)method", "is \(value), which this server does not know")
            self = .majority
        }
    }
}

extension Coordination.AnswerEquivalence {
    init(
        _ equivalence: Messages.AnswerEquivalence, _ method: Coordination.BallotRules.Method,
        _ prefix: String, _ faults: inout FieldFaults
    ) {
        var rule = method.isNumeric ? Rule.number : .json
        switch equivalence.rule {
        case .unspecified: break
        case .bytes: rule = .bytes
        case .json: rule = .json
        case .number: rule = .number
        case .unrecognized(let value):
            faults.check(
                false, "\(prefix)equivalence.rule",
                "is \(value), which this server does not know")
        }
        self.init(
            rule: rule, field: equivalence.field,
            absoluteTolerance: equivalence.absoluteTolerance,
            relativeTolerance: equivalence.relativeTolerance)
    }
}

extension BallotStep {
    init(_ spec: BallotSpec) {
        self.init()
        voters = spec.voters.map { voter in
            Messages.Voter(
                name: voter.name, agentType: voter.agentType, agentID: voter.agentID,
                everyInstance: voter.isEveryInstance, weight: voter.weight,
                operation: voter.operation)
        }
        rules = Messages.BallotRules(spec.rules)
    }
}

extension Messages.BallotRules {
    fileprivate init(_ rules: Coordination.BallotRules) {
        self.init(
            quorum: rules.quorum, support: rules.support ?? 0,
            method: VotingMethod(rules.method),
            equivalence: Messages.AnswerEquivalence(
                rule: EquivalenceRule(rules.equivalence.rule), field: rules.equivalence.field,
                absoluteTolerance: rules.equivalence.absoluteTolerance,
                relativeTolerance: rules.equivalence.relativeTolerance),
            trim: rules.trim, weights: rules.weighsByAccuracy ? .accuracy : .given,
            series: rules.series, hearAll: rules.hearsAll)
    }
}

extension VotingMethod {
    fileprivate init(_ method: Coordination.BallotRules.Method) {
        switch method {
        case .majority: self = .majority
        case .weighted: self = .weighted
        case .unanimous: self = .unanimous
        case .ranked: self = .ranked
        case .median: self = .median
        case .trimmedMean: self = .trimmedMean
        }
    }
}

extension EquivalenceRule {
    fileprivate init(_ rule: Coordination.AnswerEquivalence.Rule) {
        switch rule {
        case .bytes: self = .bytes
        case .json: self = .json
        case .number: self = .number
        }
    }
}
