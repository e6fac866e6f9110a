import Coordination

/// The refusals of batches.
extension Rejection {
    static func unknownBatch(_ operation: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "BATCH_NOT_FOUND",
            "no batch is configured for operation \"\(operation)\" in this namespace; "
                + offer(known, "there are", "configure one first (ConfigureBatch)"))
    }

    /// Items under the names of others.
    static func requestReused(by items: [SubmitItems.Item]) -> Rejection {
        var rejection: Rejection = .requestReused
        rejection.fields = items.map {
            FieldFault(
                field: "\($0.path)request_id", description: "belongs to another request already")
        }
        return rejection
    }

    static func tooManyBatches(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_BATCHES",
            "\(limit) batches are configured, the limit of this server; delete some")
    }

    static func batchInUse(_ operation: String, _ count: Int) -> Rejection {
        Rejection(
            .precondition, reason: "BATCH_IN_USE",
            "\(count) items are in the batch of \"\(operation)\"; wait until they have ended")
    }

    static func tooManyItems(_ operation: String, _ limit: Int, retryMillis: Int64) -> Rejection {
        Rejection(
            .overloaded, reason: "BATCH_FULL",
            "\(limit) items wait for \"\(operation)\", as many as may; try again later, or let more "
                + "batches be in flight", retryAfterMillis: retryMillis)
    }

    static func tooManyItemBytes(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "BATCH_BYTES_FULL",
            "the items of all batches have \(limit) bytes already; try again later",
            retryAfterMillis: 200)
    }
}
