import Coordination

/// The refusals of ballots and series.
extension Rejection {
    static func tooManyBallots(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_BALLOTS",
            "\(limit) ballots are open already; try again later", retryAfterMillis: 200)
    }

    static func tooManyVoters(_ count: Int) -> Rejection {
        Rejection(
            .invalid, reason: "TOO_MANY_VOTERS",
            "the ballot has \(count) voters with all instances counted; at most "
                + "\(Ballot.maxVoters)",
            fields: [FieldFault(field: "voters", description: "stands for \(count) voters")])
    }

    static func voterTwice(_ name: String) -> Rejection {
        Rejection(
            .invalid, reason: "VOTER_TWICE",
            "\"\(name)\" would vote twice: it is named, and it is an instance of a type that votes "
                + "as a whole",
            fields: [FieldFault(field: "voters", description: "names \"\(name)\" twice")])
    }

    static func decisionExists(_ id: String, _ series: String) -> Rejection {
        Rejection(
            .exists, reason: "DECISION_EXISTS",
            "series \"\(series)\" has a decision \"\(id)\", or it is under way; give another "
                + "request_id, or none")
    }

    static func tooManySeries(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_SERIES",
            "there are \(limit) series of ballots already, the limit of this server; delete some")
    }

    static func unknownSeries(_ name: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "SERIES_NOT_FOUND",
            "nothing was decided in a series \"\(name)\" of this namespace; "
                + offer(known, "there are", "there is none yet"))
    }

    static func unknownDecision(_ id: String, _ series: String) -> Rejection {
        Rejection(
            .notFound, reason: "DECISION_NOT_FOUND",
            "series \"\(series)\" does not hold a decision \"\(id)\": it keeps the newest "
                + "\(BallotSeries.maxRecords)")
    }

    static func outcomeContradicts(_ id: String) -> Rejection {
        Rejection(
            .precondition, reason: "OUTCOME_KNOWN",
            "another outcome of decision \"\(id)\" was reported before, and what was learnt from it "
                + "stays")
    }

    static func nothingDecided(_ id: String) -> Rejection {
        Rejection(
            .precondition, reason: "NOTHING_DECIDED",
            "ballot \"\(id)\" came to no decision that could be right or wrong; say what would have "
                + "been right (truth)")
    }

    static func unreadableTruth(_ failure: StepFailure) -> Rejection {
        Rejection(
            .invalid, reason: "TRUTH_UNREADABLE", "truth: \(failure.message)",
            fields: [FieldFault(field: "truth", description: failure.message)])
    }
}
