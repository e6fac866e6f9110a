import Messages

/// The ballots of a definition file.
extension DefinitionFile {
    static func ballot(_ fields: Fields) throws(Failed) -> BallotStep {
        try fields.know([
            "voters", "method", "quorum", "support", "trim", "weights", "series", "hear_all",
            "equivalence",
        ])
        var step = BallotStep()
        for (index, node) in try fields.list("voters").enumerated() {
            step.voters.append(
                try voter(Fields(node, "\(fields.place).voters[\(index)]")))
        }
        var rules = BallotRules()
        rules.method = try fields.choice(
            "method",
            [
                "majority": .majority, "weighted": .weighted, "unanimous": .unanimous,
                "ranked": .ranked, "median": .median, "trimmed_mean": .trimmedMean,
            ])
        rules.quorum = try fields.number("quorum")
        rules.support = try fields.number("support")
        rules.trim = try fields.number("trim")
        rules.weights = try fields.choice("weights", ["given": .given, "accuracy": .accuracy])
        rules.series = try fields.text("series")
        rules.hearAll = try fields.flag("hear_all")
        if let inner = try fields.inner("equivalence") {
            rules.equivalence = try equivalence(inner)
        }
        step.rules = rules
        return step
    }

    private static func voter(_ fields: Fields) throws(Failed) -> Voter {
        try fields.know([
            "name", "agent_type", "agent_id", "every_instance", "weight", "operation",
        ])
        var voter = Voter()
        voter.name = try fields.text("name")
        voter.agentType = try fields.text("agent_type")
        voter.agentID = try fields.text("agent_id")
        voter.everyInstance = try fields.flag("every_instance")
        voter.weight = try fields.number("weight")
        voter.operation = try fields.text("operation")
        return voter
    }

    private static func equivalence(_ fields: Fields) throws(Failed) -> AnswerEquivalence {
        try fields.know(["rule", "field", "absolute_tolerance", "relative_tolerance"])
        var equivalence = AnswerEquivalence()
        equivalence.rule = try fields.choice(
            "rule", ["": .unspecified, "bytes": .bytes, "json": .json, "number": .number])
        equivalence.field = try fields.text("field")
        equivalence.absoluteTolerance = try fields.number("absolute_tolerance")
        equivalence.relativeTolerance = try fields.number("relative_tolerance")
        return equivalence
    }
}
