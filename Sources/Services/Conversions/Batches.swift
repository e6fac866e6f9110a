import Coordination
import Engine
import JSON
import Messages

extension Coordination.BatchDefinition {
    /// Reads a definition off the wire; 0 and empty become the documented defaults. What is out of
    /// range stays so, for ``faults(_:)`` to name it; what is unknown is noted here.
    init(_ message: Messages.BatchDefinition, _ faults: inout FieldFaults) {
        self.init(
            operation: message.operation, agentType: message.agentType,
            agentOperation: message.agentOperation.isEmpty ? nil : message.agentOperation)
        if message.maxItems != 0 { maxItems = Int(message.maxItems) }
        if message.maxDelayMillis != 0 { maxDelayMillis = message.maxDelayMillis }
        if message.maxBytes != 0 { maxBytes = Int(message.maxBytes) }
        if message.maxInFlight != 0 { maxInFlight = Int(message.maxInFlight) }
        if message.maxWaiting != 0 { maxWaiting = Int(message.maxWaiting) }
        if message.timeoutMillis != 0 { timeoutMillis = message.timeoutMillis }
        switch message.onFailure {
        case .unspecified, .fail:
            onFailure = .fail
            faults.check(
                message.maxAttempts == 0, "batch.max_attempts", "is for RETRY_ITEMS")
            faults.check(
                message.retryMillis == 0, "batch.retry_millis", "is for RETRY_ITEMS")
        case .retryItems:
            onFailure = .retryItems(
                attempts: message.maxAttempts == 0 ? 3 : Int(message.maxAttempts),
                millis: message.retryMillis == 0 ? 200 : message.retryMillis)
        case .unrecognized(let value):
            faults.check(
                false, "batch.on_failure", "is \(value), which this server does not know")
        }
    }
}

extension Messages.BatchDefinition {
    init(_ definition: Coordination.BatchDefinition) {
        self.init(
            operation: definition.operation, agentType: definition.agentType,
            agentOperation: definition.agentOperation, maxItems: Int32(definition.maxItems),
            maxDelayMillis: definition.maxDelayMillis, maxBytes: Int64(definition.maxBytes),
            maxInFlight: Int32(definition.maxInFlight), maxWaiting: Int32(definition.maxWaiting),
            timeoutMillis: definition.timeoutMillis, onFailure: .fail)
        if case .retryItems(let attempts, let millis) = definition.onFailure {
            onFailure = .retryItems
            maxAttempts = Int32(attempts)
            retryMillis = millis
        }
    }
}

extension SubmitItems.Item {
    /// Reads an item off the wire: JSON of at most 1 MiB.
    init(
        _ payload: Messages.Payload?, _ requestID: String, _ isDurable: Bool, _ path: String,
        _ faults: inout FieldFaults
    ) {
        let content = Coordination.Payload(orEmptyObject: payload)
        let count = content.bytes.count
        faults.check(count <= 1 << 20, "\(path)payload", "is \(count) bytes; at most 1 MiB")
        faults.check(requestID.utf8.count <= 256, "\(path)request_id", "is over 256 bytes")
        faults.check(
            !isDurable || !requestID.isEmpty, "durable",
            "needs a request_id: it is how the result is found again")
        if count <= 1 << 20 {
            do throws(JSONError) {
                _ = try JSONDocument(parsing: content.bytes)
            } catch {
                faults.check(false, "\(path)payload", "is no JSON: \(error.message)")
            }
        }
        self.init(payload: content, requestID: requestID, path: path)
    }
}

extension Messages.ItemOutcome {
    init(_ item: Engine.ItemOutcome) {
        self.init()
        switch item.outcome {
        case .success(let payload): outcome = .payload(Messages.Payload(payload))
        case .failure(let failure): outcome = .error(Failure(failure))
        }
        batchItems = Int32(clamping: item.batchItems)
        waitedMicros = item.waitedNanos / 1_000
        attempts = Int32(clamping: item.attempts)
        agentID = item.agent?.name ?? ""
        repeated = item.isRepeat
    }
}

extension SubmitManyResponse {
    init(_ items: [Engine.ItemOutcome]) {
        self.init()
        // What stands beside a payload is about 300 bytes an item; a failure's texts are bounded.
        var budget = ContentBudget(bytes: (4 << 20) - items.count * 320)
        for item in items {
            var outcome = Messages.ItemOutcome(item)
            switch item.outcome {
            case .success(let payload):
                succeeded += 1
                if budget.take(payload) == nil { outcome.outcome = .error(Self.tooLarge) }
            case .failure(let failure):
                let text = Coordination.Payload(bytes: Array(failure.message.utf8))
                if budget.take(text) == nil { outcome.outcome = .error(Self.tooLarge) }
            }
            outcomes.append(outcome)
        }
    }

    private static let tooLarge = Failure(
        type: "answer_too_large",
        message:
            "the item has ended, but the answers to one SubmitMany have at most 4 MiB together; "
            + "submit fewer at once", retryable: false)
}

extension Messages.BatchStats {
    init(_ stats: Engine.BatchStats) {
        self.init()
        let counts = stats.counts
        batch = Messages.BatchDefinition(stats.definition)
        waitingItems = Int32(clamping: stats.waitingItems)
        waitingBytes = Int64(stats.waitingBytes)
        inFlightBatches = Int32(clamping: stats.inFlightBatches)
        inFlightItems = Int32(clamping: stats.inFlightItems)
        oldestWaitMillis = stats.oldestWaitMillis
        submitted = counts.submitted
        succeeded = counts.succeeded
        failed = counts.failed
        refused = counts.refused
        abandoned = counts.abandoned
        retried = counts.retried
        leftByItems = counts.left[.items] ?? 0
        leftByBytes = counts.left[.bytes] ?? 0
        leftByDelay = counts.left[.delay] ?? 0
        leftByFlush = counts.left[.flush] ?? 0
        leftByRetry = counts.left[.retry] ?? 0
        itemsLeft = counts.itemsLeft
    }
}
