import Coordination
import Store

/// Publications on their way to agents, new runs and signals: one after the other for each target.
extension CoordinationEngine {
    /// The next thing is done for a target, if it is free.
    mutating func pump(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        if isPaused(subscriber) { return }
        if case .stream = cell.target { return pumpStream(subscriber) }
        guard cell.machine.state.notBeforeMillis == 0, !cell.isPreparing,
            cell.machine.outCount == 0, cell.redelivering == 0
        else { return }
        if let letter = cell.letters.first(where: \.isRequeued) {
            return fetchLetter(subscriber, letter.sequence)
        }
        if !cell.queue.isEmpty { return deliverQueue(subscriber) }
        let (namespace, _) = subscriberKey(subscriber)
        let committed = events.spaces[namespace]?.committed ?? 0
        guard cell.scannedThrough < committed else {
            subscriptions.subscribers[subscriber].isLive = true
            return
        }
        prepareEvents(
            subscriber,
            .stored(
                PublicationRange(
                    namespace: namespace.name,
                    patterns: subscriptions.cells[cell.subscription].definition.patterns,
                    from: cell.scannedThrough + 1, through: committed, limit: EventWork.pageSize,
                    maxBytes: EventWork.pageBytes)))
    }

    /// Publications are ready.
    mutating func eventsPrepared(_ outcome: EventWork.Outcome) {
        let subscriber = outcome.call.cell
        guard subscriptions.subscribers.contains(subscriber),
            subscriptions.subscribers[subscriber].generation == outcome.call.generation,
            subscriptions.subscribers[subscriber].isPreparing
        else { return }
        subscriptions.subscribers[subscriber].isPreparing = false
        if subscriptions.subscribers[subscriber].parking > 0 {
            if outcome.failure != nil { return parkLater(subscriber) }
            return parkFound(subscriber, outcome.deliveries.first?.publication)
        }
        if let rejection = outcome.failure { return holdBack(subscriber, rejection.asFailure) }
        if subscriptions.subscribers[subscriber].redelivering > 0 {
            return deliverLetter(subscriber, outcome.deliveries.first, outcome.letter)
        }
        if !outcome.isFresh { passGap(subscriber, outcome) }
        let (namespace, _) = subscriberKey(subscriber)
        let table = events.spaces[namespace]?.topics ?? TopicTable()
        let held = outcome.deliveries.filter { delivery in
            if outcome.isFresh { return true }
            let topic = delivery.publication.content.topic
            return delivery.publication.sequence
                > table.topics[topic]?.settings.removedThrough ?? table.forgottenThrough
        }
        subscriptions.subscribers[subscriber].queue = held[...]
        subscriptions.subscribers[subscriber].scannedThrough = outcome.scannedThrough
        if held.isEmpty {
            subscriptions.subscribers[subscriber].machine.sent([], through: outcome.scannedThrough)
            // What did not fit must not look like a gap after a restart.
            if outcome.looked > 0 { storeSubscriber(subscriber) }
        }
        pump(subscriber)
    }

    /// What was removed from its topics before it came to it.
    private mutating func passGap(_ subscriber: Int32, _ outcome: EventWork.Outcome) {
        let cell = subscriptions.subscribers[subscriber]
        let (namespace, _) = subscriberKey(subscriber)
        let table = events.spaces[namespace]?.topics ?? TopicTable()
        let removed = table.removedThrough(
            subscriptions.cells[cell.subscription].definition.patterns)
        let from = cell.scannedThrough + 1
        let through = min(removed, outcome.scannedThrough)
        guard removed > cell.machine.state.knownRemoved, through >= from else { return }
        subscriptions.subscribers[subscriber].machine.passedGap(from: from, through: through)
        storeSubscriber(subscriber)
        draft.effects.notices.append(.event(.gap))
    }

    // MARK: Delivering

    private mutating func deliverQueue(_ subscriber: Int32) {
        while let delivery = subscriptions.subscribers[subscriber].queue.first {
            if !deliver(subscriber, delivery) { return }
            subscriptions.subscribers[subscriber].queue.removeFirst()
        }
        let through = subscriptions.subscribers[subscriber].scannedThrough
        passed(subscriber, [], through: through)
        pump(subscriber)
    }

    /// Gives a dead letter to its target. `true`: it is done already, or stays one.
    mutating func deliverAgain(_ subscriber: Int32, _ delivery: EventDelivery) -> Bool {
        deliver(subscriber, delivery)
    }

    /// Gives a publication to its target. `true`: it is done already, or given up.
    private mutating func deliver(_ subscriber: Int32, _ delivery: EventDelivery) -> Bool {
        let sequence = delivery.publication.sequence
        if let failure = delivery.failure { return attemptFailed(subscriber, sequence, failure) }
        switch subscriptions.subscribers[subscriber].target {
        case .stream: return true
        case .agent(let type, let operation, _):
            call(subscriber, type, operation, delivery)
            return false
        case .workflow(let name, _, let waits, _):
            guard hasRoomForParts else { return waitForRoom(subscriber) }
            return start(subscriber, name, waits: waits, delivery)
        case .signal(_, let signal, let starting, _):
            guard hasRoomForParts else { return waitForRoom(subscriber) }
            return self.signal(subscriber, signal, starting: starting, delivery)
        }
    }

    private mutating func waitForRoom(_ subscriber: Int32) -> Bool {
        subscriptions.subscribers[subscriber].redelivering = 0
        if !subscriptions.waiting.contains(subscriber) { subscriptions.waiting.append(subscriber) }
        return false
    }

    /// Targets that wait for room in a batch go on.
    mutating func takeWaitingSubscribers() {
        while hasRoomForParts, !subscriptions.waiting.isEmpty {
            let subscriber = subscriptions.waiting.removeFirst()
            if subscriptions.subscribers.contains(subscriber) { pump(subscriber) }
            settle()
        }
    }

    private mutating func done(_ subscriber: Int32, _ delivery: EventDelivery) -> Bool {
        let sequence = delivery.publication.sequence
        subscriptions.subscribers[subscriber].holds = 0
        if subscriptions.subscribers[subscriber].redelivering == sequence {
            letterDone(subscriber)
            return true
        }
        subscriptions.subscribers[subscriber].machine.sent([sequence], through: sequence)
        _ = subscriptions.subscribers[subscriber].machine.acknowledge(sequence)
        storeSubscriber(subscriber)
        draft.effects.notices.append(.event(.acknowledged))
        return true
    }

    private mutating func start(
        _ subscriber: Int32, _ name: String, waits: Bool, _ delivery: EventDelivery
    ) -> Bool {
        let (namespace, _) = subscriberKey(subscriber)
        let sequence = delivery.publication.sequence
        guard let definition = definitions[ScopedName(namespace: namespace, name: name)] else {
            return attemptFailed(subscriber, sequence, .noWorkflow(name))
        }
        if openRuns >= limits.maxOpenRuns {
            holdBack(subscriber, .tooManyRuns(limits.maxOpenRuns))
            return false
        }
        let workflowID =
            delivery.workflowID.isEmpty
            ? "event/\(subscriptionName(subscriber))/\(sequence)" : delivery.workflowID
        if let run = workflowIndex[ScopedName(namespace: namespace, name: workflowID)],
            !runs[run].machine.state.status.isClosed
        {
            if !waits { return done(subscriber, delivery) }
            return attemptFailed(subscriber, sequence, .runIsOpen(workflowID))
        }
        draft.starts += 1
        _ = begin(
            NewRun(namespace: namespace, workflowID: workflowID, input: delivery.payload),
            definition)
        return done(subscriber, delivery)
    }

    private mutating func signal(
        _ subscriber: Int32, _ signal: String, starting: String, _ delivery: EventDelivery
    ) -> Bool {
        let (namespace, _) = subscriberKey(subscriber)
        let sequence = delivery.publication.sequence
        let name = ScopedName(namespace: namespace, name: delivery.workflowID)
        var run = workflowIndex[name]
        if let known = run, runs[known].machine.state.status.isClosed { run = nil }
        if run == nil {
            if starting.isEmpty {
                return attemptFailed(subscriber, sequence, .noOpenRun(delivery.workflowID))
            }
            guard let definition = definitions[ScopedName(namespace: namespace, name: starting)]
            else { return attemptFailed(subscriber, sequence, .noWorkflow(starting)) }
            if openRuns >= limits.maxOpenRuns {
                holdBack(subscriber, .tooManyRuns(limits.maxOpenRuns))
                return false
            }
            let id = begin(
                NewRun(
                    namespace: namespace, workflowID: delivery.workflowID, input: delivery.payload),
                definition)
            run = runIndex[id]
        }
        draft.starts += 1
        guard let run else { return done(subscriber, delivery) }
        let given = RunSignal(name: signal, payload: delivery.payload)
        if let refusal = signalRun(run, given) {
            return attemptFailed(subscriber, sequence, refusal.asFailure)
        }
        return done(subscriber, delivery)
    }

    private mutating func call(
        _ subscriber: Int32, _ type: String, _ operation: String, _ delivery: EventDelivery
    ) {
        let (namespace, _) = subscriberKey(subscriber)
        let sequence = delivery.publication.sequence
        if subscriptions.subscribers[subscriber].redelivering == 0 {
            subscriptions.subscribers[subscriber].machine.sent([sequence], through: sequence)
        }
        let generation = subscriptions.newGeneration()
        subscriptions.subscribers[subscriber].generation = generation
        let deadline = monotonicNanos(inMillis: policy(subscriber).ackTimeoutMillis)
        let call = EventCall(cell: subscriber, generation: generation)
        invoke(
            Invoke(
                namespace: namespace, agentType: type, operation: operation,
                payload: delivery.payload, deadlineNanos: deadline,
                arrivedNanos: now.monotonicNanos,
                extras: InvokeExtras(
                    startByNanos: deadline,
                    earlierAttempts:
                        subscriptions.subscribers[subscriber].machine.attempt(of: sequence) - 1)),
            ReplyTicket(port: Self.eventPort, call: call.call))
    }

    /// Nobody wants an agent's answer any more: what it works on for a target is cancelled.
    mutating func cancelCall(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        guard case .agent = cell.target, cell.machine.outCount > 0 || cell.redelivering > 0 else {
            return
        }
        let call = EventCall(cell: subscriber, generation: cell.generation)
        abandon(ReplyTicket(port: Self.eventPort, call: call.call))
    }

    /// Where agents' answers for targets go: the shell brings them back as a command.
    static var eventPort: Int { 1_023 }

    mutating func agentAnswered(_ call: EventCall, _ delivery: AgentDelivery) {
        let subscriber = call.cell
        guard subscriptions.subscribers.contains(subscriber),
            subscriptions.subscribers[subscriber].generation == call.generation
        else { return }
        let cell = subscriptions.subscribers[subscriber]
        let out = cell.redelivering > 0 ? cell.redelivering : cell.machine.first ?? 0
        guard out > 0 else { return }
        switch delivery {
        case .done:
            if let head = cell.queue.first, cell.redelivering == 0 {
                _ = done(subscriber, head)
                subscriptions.subscribers[subscriber].queue.removeFirst()
            } else if cell.redelivering > 0 {
                letterDone(subscriber)
            }
        case .failed(let failure): agentFailed(subscriber, out, failure)
        case .refused(let rejection) where rejection.code == .deadline:
            agentFailed(subscriber, out, .ackTimeout(policy(subscriber).ackTimeoutMillis))
        case .refused(let rejection) where rejection.isInstanceLost:
            agentFailed(subscriber, out, rejection.asFailure)
        case .refused(let rejection): holdBack(subscriber, rejection.asFailure)
        }
        if subscriptions.subscribers.contains(subscriber) { deliverNext(subscriber) }
    }

    private mutating func agentFailed(
        _ subscriber: Int32, _ sequence: Int64, _ failure: StepFailure
    ) {
        if attemptFailed(subscriber, sequence, failure),
            subscriptions.subscribers[subscriber].redelivering == 0,
            subscriptions.subscribers[subscriber].queue.first?.publication.sequence == sequence
        {
            subscriptions.subscribers[subscriber].queue.removeFirst()
        }
    }

    /// Behind what was just done.
    private mutating func deliverNext(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        if cell.queue.isEmpty, cell.machine.outCount == 0, cell.redelivering == 0 {
            passed(subscriber, [], through: cell.scannedThrough)
        }
        pump(subscriber)
    }

    // MARK: Failing

    mutating func policy(_ subscriber: Int32) -> DeliveryPolicy {
        let subscription = subscriptions.subscribers[subscriber].subscription
        return subscriptions.cells[subscription].definition.policy
    }

    mutating func subscriptionName(_ subscriber: Int32) -> String {
        let subscription = subscriptions.subscribers[subscriber].subscription
        return subscriptions.cells[subscription].definition.name
    }

    /// An attempt of the first in the queue failed. `true`: it was given up, the rest goes on.
    mutating func attemptFailed(
        _ subscriber: Int32, _ sequence: Int64, _ failure: StepFailure
    ) -> Bool {
        if subscriptions.subscribers[subscriber].redelivering == sequence {
            letterFailed(subscriber, failure)
            return true
        }
        let random = nextRandom()
        let policy = policy(subscriber)
        let verdict = subscriptions.subscribers[subscriber].machine.failed(
            sequence, failure, policy, at: now.wallMillis, random: random)
        storeSubscriber(subscriber)
        switch verdict {
        case .retry(let millis):
            armSubscriber(subscriber, atMillis: millis)
            return false
        case .deadLetter(let attempts):
            let head = subscriptions.subscribers[subscriber].queue.first
            guard let publication = head?.publication, publication.sequence == sequence else {
                return true
            }
            park(subscriber, publication, attempts: attempts, failure)
            return true
        }
    }

    /// Something else keeps the target from trying: it waits, and that is no attempt.
    mutating func holdBack(_ subscriber: Int32, _ failure: StepFailure) {
        subscriptions.subscribers[subscriber].holds += 1
        subscriptions.subscribers[subscriber].redelivering = 0
        let random = nextRandom()
        let holds = subscriptions.subscribers[subscriber].holds
        let policy = policy(subscriber)
        let millis = subscriptions.subscribers[subscriber].machine.held(
            failure, policy, at: now.wallMillis, after: holds, random: random)
        armSubscriber(subscriber, atMillis: millis)
    }
}

extension Rejection {
    /// As the reason why an attempt failed.
    var asFailure: StepFailure {
        StepFailure(
            type: reason.lowercased(), message: message, retryable: code != .invalid,
            retryAfterMillis: retryAfterMillis)
    }
}

extension StepFailure {
    static func ackTimeout(_ millis: Int64) -> StepFailure {
        StepFailure(
            type: "ack_timeout", message: "it was not acknowledged within \(millis) ms",
            retryable: true)
    }

    fileprivate static func runIsOpen(_ workflowID: String) -> StepFailure {
        StepFailure(
            type: "run_open", message: "a run of workflow id \"\(workflowID)\" is open",
            retryable: true)
    }

    fileprivate static func noOpenRun(_ workflowID: String) -> StepFailure {
        StepFailure(
            type: "no_open_run", message: "no run of workflow id \"\(workflowID)\" is open",
            retryable: true)
    }

    /// The end of a stream with something unacknowledged.
    static let streamEnded = StepFailure(
        type: "stream_ended", message: "its stream ended before it was acknowledged",
        retryable: true)
}
