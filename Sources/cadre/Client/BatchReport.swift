import JSON
import Messages

extension BatchDefinition {
    /// Prints a batch as it is configured.
    func show(_ format: OutputFormat) {
        if format == .json { return printJSON { $0.members(of: self) } }
        printVisible(
            "\(operation): \(agentType).\(agentOperation), up to \(maxItems) items or "
                + "\(maxBytes) bytes, at most \(maxDelayMillis) ms, \(maxInFlight) in flight")
    }
}

extension GetBatchStatsResponse {
    /// Prints how batches stand.
    func show(_ format: OutputFormat) {
        if format == .json {
            return printJSON { $0.member("batches", batches) { $0.stats($1) } }
        }
        var table = TextTable(
            "OPERATION", "WAITING", "IN FLIGHT", "SUBMITTED", "SUCCEEDED", "FAILED", "REFUSED",
            "LEFT BY SIZE/BYTES/DELAY/FLUSH/RETRY", "ITEMS EACH")
        for one in batches {
            let left = [
                one.leftByItems, one.leftByBytes, one.leftByDelay, one.leftByFlush,
                one.leftByRetry,
            ]
            let batches = left.reduce(0, +)
            let each = batches == 0 ? 0 : Double(one.itemsLeft) / Double(batches)
            table.add(
                one.batch?.operation ?? "", "\(one.waitingItems)",
                "\(one.inFlightItems) in \(one.inFlightBatches)", "\(one.submitted)",
                "\(one.succeeded)", "\(one.failed)", "\(one.refused)",
                left.map { "\($0)" }.joined(separator: "/"), "\((each * 10).rounded() / 10)")
        }
        printVisible(table.text)
    }
}

extension JSONWriter {
    fileprivate mutating func members(of batch: BatchDefinition) {
        member("operation", batch.operation)
        member("agent_type", batch.agentType)
        member("agent_operation", batch.agentOperation)
        member("max_items", batch.maxItems)
        member("max_delay_millis", batch.maxDelayMillis)
        member("max_bytes", batch.maxBytes)
        member("max_in_flight", batch.maxInFlight)
        member("max_waiting", batch.maxWaiting)
        member("timeout_millis", batch.timeoutMillis)
        member("max_attempts", batch.maxAttempts)
    }

    fileprivate mutating func stats(_ stats: BatchStats) {
        beginObject()
        key("batch")
        beginObject()
        members(of: stats.batch ?? BatchDefinition())
        endObject()
        for (name, value) in [
            ("waiting_items", Int64(stats.waitingItems)), ("waiting_bytes", stats.waitingBytes),
            ("in_flight_batches", Int64(stats.inFlightBatches)),
            ("in_flight_items", Int64(stats.inFlightItems)),
            ("oldest_wait_millis", stats.oldestWaitMillis), ("submitted", stats.submitted),
            ("succeeded", stats.succeeded), ("failed", stats.failed), ("refused", stats.refused),
            ("abandoned", stats.abandoned), ("retried", stats.retried),
            ("left_by_items", stats.leftByItems), ("left_by_bytes", stats.leftByBytes),
            ("left_by_delay", stats.leftByDelay), ("left_by_flush", stats.leftByFlush),
            ("left_by_retry", stats.leftByRetry), ("items_left", stats.itemsLeft),
        ] {
            member(name, value)
        }
        endObject()
    }

    mutating func outcome(_ outcome: ItemOutcome) {
        beginObject()
        switch outcome.outcome {
        case .payload(let payload):
            key("payload")
            self.payload(payload)
        case .error(let failure):
            key("error")
            beginObject()
            member("type", failure.type)
            member("message", failure.message)
            member("retryable", failure.retryable)
            endObject()
        case nil: break
        }
        member("batch_items", outcome.batchItems)
        member("waited_micros", outcome.waitedMicros)
        member("attempts", outcome.attempts)
        member("agent_id", outcome.agentID)
        member("repeated", outcome.repeated)
        endObject()
    }
}
