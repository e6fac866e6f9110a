extension Rejection {
    static func tooManyTopics(_ limit: Int, _ whole: String) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_TOPICS",
            "\(whole) has \(limit) topics, its limit; delete some, or publish to one that is there",
            retryAfterMillis: 60_000)
    }

    static func historyFull(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "HISTORY_FULL",
            "this namespace holds \(limit) publications, its limit, and the topic none of them; give "
                + "other topics lower limits or delete some", retryAfterMillis: 60_000)
    }

    static func tooManyReceivers(_ message: String) -> Rejection {
        Rejection(.precondition, reason: "TOO_MANY_RECEIVERS", message)
    }

    static func unknownTopic(_ topic: String) -> Rejection {
        Rejection(
            .notFound, reason: "TOPIC_NOT_FOUND",
            "no topic \"\(topic)\" in this namespace; publish to it or put it")
    }

    static func sequenceAhead(_ sequence: Int64, newest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "SEQUENCE_AHEAD",
            "sequence \(sequence) is ahead of this namespace, whose newest is \(newest); was the store "
                + "restored from an older backup? Go on from \(newest + 1)")
        rejection.details = ["newest_sequence": "\(newest)"]
        return rejection
    }

    /// OUT_OF_RANGE with the oldest number to go on from as a detail.
    static func sequenceRemoved(oldest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "SEQUENCE_REMOVED",
            "publications from this sequence on were removed from topics that fit; nothing is missing "
                + "from \(oldest) on: subscribe from there, or with the oldest that is held")
        rejection.details = ["oldest_sequence": "\(oldest)"]
        return rejection
    }
}
