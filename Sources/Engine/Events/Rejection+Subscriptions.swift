import Coordination

extension Rejection {
    static func unknownSubscription(_ name: String) -> Rejection {
        Rejection(
            .notFound, reason: "SUBSCRIPTION_NOT_FOUND",
            "no subscription \"\(name)\" in this namespace; put it first")
    }

    static func tooManySubscriptions(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_SUBSCRIPTIONS",
            "there are \(limit) subscriptions already; delete some that are not needed",
            retryAfterMillis: 60_000)
    }

    static func notForStreams(_ name: String) -> Rejection {
        Rejection(
            .precondition, reason: "SUBSCRIPTION_HAS_TARGETS",
            "subscription \"\(name)\" delivers to its targets; put one without targets to read it "
                + "on a stream")
    }

    static func superseded(_ name: String) -> Rejection {
        Rejection(
            .conflict, reason: "SUBSCRIPTION_TAKEN_OVER",
            "subscription \"\(name)\" goes on on another stream")
    }

    static let subscriptionDeleted = Rejection(
        .conflict, reason: "SUBSCRIPTION_DELETED", "the subscription was deleted")

    static let subscriptionChanged = Rejection(
        .conflict, reason: "SUBSCRIPTION_CHANGED",
        "the subscription was put anew; subscribe again")

    static func acknowledgedAhead(_ sequence: Int64, newest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "SEQUENCE_AHEAD",
            "nothing of sequence \(sequence) was published yet; the newest is \(newest)")
        rejection.details = ["newest_sequence": "\(newest)"]
        return rejection
    }

    static func notOut(_ sequence: Int64, _ name: String) -> Rejection {
        Rejection(
            .precondition, reason: "NOT_DELIVERED",
            "publication \(sequence) is not out on a stream of subscription \"\(name)\": it is done, "
                + "was called back, or never went out")
    }

    static func unknownEventLetter(_ sequence: Int64, _ name: String) -> Rejection {
        Rejection(
            .notFound, reason: "DEAD_LETTER_NOT_FOUND",
            "subscription \"\(name)\" has no dead letter \(sequence) for that target; list them")
    }

    static func noTarget(_ target: String, of name: String, known: [String]) -> Rejection {
        let fault = target.isEmpty ? "is required: there are several" : "is none of its targets"
        return Rejection(
            .invalid, reason: "NO_TARGET",
            "target \(fault); subscription \"\(name)\" has \(known.joined(separator: ", "))",
            fields: [FieldFault(field: "target", description: fault)])
    }

    static let preparationFull = Rejection(
        .overloaded, reason: "PREPARATION_FULL",
        "too many large payloads wait to be made ready", retryAfterMillis: 200)
}
