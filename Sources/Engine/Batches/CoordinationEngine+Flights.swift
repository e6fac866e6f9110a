import Coordination

/// Batches on their way: joined, handed to an agent, taken apart again.
extension CoordinationEngine {
    /// Lets leave what may, and sets the timer for what may later.
    mutating func letLeave(_ batch: Int32) {
        for departure in items.cells[batch].line.depart(at: now.monotonicNanos) {
            leave(batch, departure)
        }
        armBatch(batch)
    }

    /// Sets the timer to when something leaves by itself.
    mutating func armBatch(_ batch: Int32) {
        let due = items.cells[batch].line.nextDeadlineNanos
        let timer = items.cells[batch].timer
        switch (due, timer >= 0) {
        case (nil, true):
            timers.remove(timer)
            items.cells[batch].timer = -1
        case (nil, false): break
        case (let due?, true): timers.update(timer, key: due)
        case (let due?, false):
            items.cells[batch].timer = timers.insert(.items(batch), key: due)
        }
    }

    mutating func batchDue(_ batch: Int32) {
        items.cells[batch].timer = -1
        letLeave(batch)
    }

    private mutating func leave(_ batch: Int32, _ departure: BatchLine.Departure) {
        let operation = items.cells[batch].line.definition.operation
        items.cells[batch].counts.left[departure.cause, default: 0] += 1
        items.cells[batch].counts.itemsLeft += Int64(departure.items.count)
        if departure.cause == .retry { items.cells[batch].counts.retried += 1 }
        items.cells[batch].flights[departure.number] = Flight(
            items: departure.items, leftNanos: now.monotonicNanos)
        ready.notices.append(
            .items(
                .left(
                    operation: operation, cause: departure.cause, items: departure.items.count)))
        let payloads = departure.items.compactMap { items.items[$0.id]?.payload }
        let serial = items.cells[batch].serial
        ready.preparations.append(
            Preparation(
                .joining(payloads),
                for: .batch(batch, serial: serial, number: departure.number)))
    }

    /// What became of the bytes of a batch.
    mutating func batchMade(
        _ batch: Int32, serial: UInt64, _ number: UInt64, _ made: PayloadTask.Made
    ) {
        guard isFlying(batch, serial, number) else { return }
        switch made {
        case .joined(let payload): handOver(batch, number, payload)
        case .split(.failure(let failure)): landed(batch, number, .failed(failure), [])
        case .split(.success(let results)):
            let failures = results.map { result -> StepFailure? in
                if case .failure(let failure) = result { return failure }
                return nil
            }
            landed(batch, number, .settled(failures), results)
        case .reading: break
        }
    }

    private mutating func isFlying(_ batch: Int32, _ serial: UInt64, _ number: UInt64) -> Bool {
        items.cells.contains(batch) && items.cells[batch].serial == serial
            && items.cells[batch].flights[number] != nil
    }

    private mutating func handOver(_ batch: Int32, _ number: UInt64, _ payload: Payload) {
        let definition = items.cells[batch].line.definition
        let serial = items.cells[batch].serial
        // What is tried again leaves alone, so that one number holds for all.
        let attempt = items.cells[batch].flights[number]?.items.map(\.attempts).max() ?? 1
        let invoke = Invoke(
            namespace: items.cells[batch].name.namespace, agentType: definition.agentType,
            operation: definition.agentOperation, payload: payload,
            deadlineNanos: monotonicNanos(inMillis: definition.timeoutMillis),
            arrivedNanos: now.monotonicNanos,
            extras: InvokeExtras(earlierAttempts: attempt - 1))
        _ = call(invoke, for: .batch(batch, serial: serial, number: number))
    }

    /// An agent answered, or could not be asked.
    mutating func batchAnswered(
        _ batch: Int32, serial: UInt64, _ number: UInt64, _ answer: Answer, seen: BatchNumber
    ) {
        guard isFlying(batch, serial, number), let flight = items.cells[batch].flights[number]
        else { return }
        items.cells[batch].flights[number]?.seen = seen
        switch answer {
        case .invoked(let invoked):
            items.cells[batch].flights[number]?.agent = invoked.agent
            switch invoked.outcome {
            case .failure(let failure): landed(batch, number, .failed(failure.bounded), [])
            case .success(let payload):
                ready.preparations.append(
                    Preparation(
                        .splitting(payload, count: flight.items.count),
                        for: .batch(batch, serial: serial, number: number)))
            }
        case .rejected(let rejection) where rejection.code == .deadline:
            let millis = items.cells[batch].line.definition.timeoutMillis
            landed(batch, number, .failed(.batchTimeout(millis)), [])
        case .rejected(let rejection):
            let failure = StepFailure(rejection)
            // What may have run counts as an attempt.
            landed(
                batch, number, rejection.isInstanceLost ? .failed(failure) : .refused(failure), [])
        default:
            landed(
                batch, number,
                .failed(
                    StepFailure(
                        type: "internal", message: "the engine gave an unexpected answer",
                        retryable: false)), [])
        }
    }

    /// A batch has ended: so have those of its items that are not tried again.
    private mutating func landed(
        _ batch: Int32, _ number: UInt64, _ end: BatchLine.End, _ results: [BatchPayload.ItemResult]
    ) {
        guard let flight = items.cells[batch].flights.removeValue(forKey: number) else { return }
        var isRefused = false
        if case .refused = end { isRefused = true }
        var values: [UInt64: Payload] = [:]
        for (item, result) in zip(flight.items, results) {
            if case .value(let payload) = result { values[item.id] = payload }
        }
        for (item, failure) in items.cells[batch].line.ended(number, end, at: now.monotonicNanos) {
            let outcome: AssignmentOutcome =
                failure.map { .failure($0) }
                ?? .success(values[item.id] ?? Payload(bytes: Array("null".utf8)))
            itemEnded(
                item.id,
                ItemOutcome(
                    outcome: outcome, batchItems: isRefused ? 0 : flight.items.count,
                    waitedNanos: max(0, flight.leftNanos - item.arrivedNanos),
                    attempts: item.attempts, agent: flight.agent), seen: flight.seen)
        }
        letLeave(batch)
    }

    /// The server goes down: what would be lost with it leaves now, the rest after its start.
    mutating func drainBatches() {
        for batch in items.cells.indices {
            items.cells[batch].line.beginDraining()
            letLeave(batch)
        }
    }
}

extension StepFailure {
    /// No agent has ended a batch in time; its callers set no deadline for it.
    fileprivate static func batchTimeout(_ millis: Int64) -> StepFailure {
        StepFailure(
            type: "batch_timeout",
            message: "the batch had no result within its timeout_millis of \(millis); configure a "
                + "longer one", retryable: true)
    }

    /// A refusal in the words of a failure.
    init(_ rejection: Rejection) {
        self.init(
            type: rejection.reason.lowercased(), message: rejection.message,
            retryable: rejection.code == .unavailable || rejection.code == .overloaded
                || rejection.code == .deadline, retryAfterMillis: rejection.retryAfterMillis)
    }
}
