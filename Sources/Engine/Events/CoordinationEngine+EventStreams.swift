import Coordination

/// Subscriptions that are read on streams: what is out, what was acknowledged, what comes again.
extension CoordinationEngine {
    /// The target of a subscription that is read on streams.
    private mutating func findStream(_ name: SubscriptionName, _ ticket: ReplyTicket) -> Int32? {
        guard let cell = findSubscription(name, ticket) else { return nil }
        guard let subscriber = subscriptions.cells[cell].subscribers.first,
            case .stream = subscriptions.subscribers[subscriber].target
        else {
            reject(ticket, .notForStreams(name.name), seen: subscriptions.changedIn)
            return nil
        }
        return subscriber
    }

    // MARK: The stream

    mutating func attachStream(_ name: SubscriptionName, _ ticket: ReplyTicket) {
        guard let subscriber = findStream(name, ticket) else { return }
        if let old = subscriptions.subscribers[subscriber].stream {
            open.remove(old)
            endStream(subscriber)
            reject(old, .superseded(name.name))
        }
        subscriptions.subscribers[subscriber].stream = ticket
        open.insert(.readingEvents(subscriber), for: ticket)
        let cell = subscriptions.subscribers[subscriber]
        let definition = subscriptions.cells[cell.subscription].definition
        let attached = AttachedStream(
            patterns: definition.patterns, filter: definition.filter,
            acknowledged: cell.machine.state.acknowledged,
            knownRemoved: cell.machine.state.knownRemoved)
        let seen = max(cell.changedIn, subscriptions.changedIn)
        answer(ticket, .event(.subscription(.attached(attached))), seen: seen)
        subscriptions.subscribers[subscriber].isHeld = true
        resumeStream(subscriber)
    }

    /// The stream is gone; what was out comes again on the next.
    mutating func streamEnded(_ subscriber: Int32) {
        guard subscriptions.subscribers.contains(subscriber) else { return }
        endStream(subscriber)
    }

    private mutating func endStream(_ subscriber: Int32) {
        subscriptions.subscribers[subscriber].stream = nil
        let cell = subscriptions.subscribers[subscriber]
        let isWaiting = cell.machine.state.notBeforeMillis > 0 || cell.parking > 0
        if !isWaiting { disarmSubscriber(subscriber) }
        if cell.redelivering > 0 {
            subscriptions.subscribers[subscriber].redelivering = 0
        } else if let first = cell.machine.first, !isDraining {
            // A publication that takes its reader down must not be delivered for ever; a server that
            // goes down says nothing against it.
            streamFailed(subscriber, first, .streamEnded)
        }
        subscriptions.subscribers[subscriber].machine.callBack()
        subscriptions.subscribers[subscriber].isHeld = true
    }

    mutating func streamSent(_ name: SubscriptionName, _ sent: SentEvents, _ ticket: ReplyTicket) {
        guard let cell = subscriptions.index[name],
            let subscriber = subscriptions.cells[cell].subscribers.first,
            subscriptions.subscribers[subscriber].stream == ticket,
            subscriptions.subscribers[subscriber].flow == sent.flow
        else { return }
        if sent.gapThrough > 0 {
            subscriptions.subscribers[subscriber].machine.passedGap(
                from: sent.gapFrom, through: sent.gapThrough)
            ready.notices.append(.event(.gap))
            noteSkipped(subscriber)
        }
        let wasOut = subscriptions.subscribers[subscriber].machine.outCount > 0
        passed(subscriber, sent.sequences, through: sent.through)
        if !wasOut, subscriptions.subscribers[subscriber].machine.outCount > 0 {
            armAck(subscriber)
        }
    }

    private mutating func armAck(_ subscriber: Int32) {
        armSubscriber(
            subscriber, atNanos: monotonicNanos(inMillis: policy(subscriber).ackTimeoutMillis))
    }

    /// The stream may send: what is not done, from its begin, unless something waits.
    mutating func resumeStream(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        let state = cell.machine.state
        guard cell.stream != nil, cell.parking == 0, cell.redelivering == 0 else { return }
        if state.notBeforeMillis > 0 {
            return armSubscriber(subscriber, atMillis: state.notBeforeMillis)
        }
        if isPaused(subscriber) { return }
        if let letter = cell.letters.first(where: \.isRequeued), cell.machine.outCount == 0 {
            return fetchLetter(subscriber, letter.sequence)
        }
        subscriptions.subscribers[subscriber].flow &+= 1
        subscriptions.subscribers[subscriber].isHeld = false
        tell(
            subscriber,
            .resume(
                flow: subscriptions.subscribers[subscriber].flow,
                from: cell.machine.sentThrough + 1, failing: state.failing,
                failures: state.failures))
    }

    /// A dead letter waits to be sent again: nothing new goes out, and it is its turn when all that is
    /// out is done.
    mutating func pumpStream(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        guard cell.stream != nil else { return }
        if cell.isHeld {
            if cell.machine.outCount == 0 { resumeStream(subscriber) }
        } else if cell.letters.contains(where: \.isRequeued) {
            holdStream(subscriber)
            if cell.machine.outCount == 0 { resumeStream(subscriber) }
        }
    }

    mutating func holdStream(_ subscriber: Int32) {
        if subscriptions.subscribers[subscriber].isHeld { return }
        subscriptions.subscribers[subscriber].isHeld = true
        subscriptions.subscribers[subscriber].flow &+= 1
        tell(subscriber, .hold)
    }

    /// Orders show nothing that could not be on disk yet but what was acknowledged.
    mutating func orderSeen(_ subscriber: Int32) -> BatchNumber {
        subscriptions.subscribers[subscriber].changedIn
    }

    mutating func tell(_ subscriber: Int32, _ order: StreamOrder) {
        guard let stream = subscriptions.subscribers[subscriber].stream else { return }
        answer(stream, .event(.subscription(.order(order))), seen: orderSeen(subscriber))
    }

    // MARK: The reader

    mutating func acknowledge(_ name: SubscriptionName, _ sequence: Int64, _ ticket: ReplyTicket) {
        guard let subscriber = findStream(name, ticket) else { return }
        let newest = events.spaces[name.namespace]?.topics.lastSequence ?? 0
        guard sequence <= newest else {
            return reject(
                ticket, .acknowledgedAhead(sequence, newest: newest),
                seen: changedIn(name.namespace))
        }
        if subscriptions.subscribers[subscriber].redelivering == sequence {
            disarmSubscriber(subscriber)
            letterDone(subscriber)
            answerAcknowledged(subscriber, ticket)
            return resumeStream(subscriber)
        }
        guard subscriptions.subscribers[subscriber].machine.acknowledge(sequence) else {
            return answerAcknowledged(subscriber, ticket)
        }
        storeSubscriber(subscriber)
        let state = subscriptions.subscribers[subscriber].machine.state
        if subscriptions.subscribers[subscriber].machine.outCount > 0 {
            armAck(subscriber)
        } else if state.notBeforeMillis == 0,
            subscriptions.subscribers[subscriber].redelivering == 0,
            subscriptions.subscribers[subscriber].parking == 0
        {
            disarmSubscriber(subscriber)
        }
        draft.effects.notices.append(.event(.acknowledged))
        answerAcknowledged(subscriber, ticket)
        tell(subscriber, .acknowledged(state.acknowledged))
        pumpStream(subscriber)
    }

    private mutating func answerAcknowledged(_ subscriber: Int32, _ ticket: ReplyTicket) {
        let cell = subscriptions.subscribers[subscriber]
        answer(
            ticket, .event(.subscription(.acknowledged(cell.machine.state.acknowledged))),
            seen: cell.changedIn)
    }

    mutating func refuse(
        _ name: SubscriptionName, _ sequence: Int64, _ failure: StepFailure, _ requestID: String,
        _ ticket: ReplyTicket
    ) {
        var hash = StableHash()
        hash.combine(name.name)
        hash.combine(UInt64(bitPattern: sequence))
        hash.combine(failure.type)
        hash.combine(failure.message)
        hash.combine(failure.retryable ? 1 : 0)
        hash.combine(UInt64(bitPattern: failure.retryAfterMillis ?? -1))
        let key = RequestLog.Key(
            namespace: name.namespace, method: RefusedAnswer.method, requestID: requestID)
        switch rememberedAnswer(key, hash: hash.value) {
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            do throws(CodecError) {
                let known = try RefusedAnswer.decode(bytes)
                return answer(ticket, .event(.subscription(known)), seen: seen)
            } catch {
                return reject(ticket, .unreadableAnswer(error), seen: seen)
            }
        case .new: break
        }
        guard let subscriber = findStream(name, ticket) else { return }
        let cell = subscriptions.subscribers[subscriber]
        let isOut =
            cell.redelivering == sequence
            || (cell.machine.first.map { $0 <= sequence } ?? false
                && cell.machine.outstanding.contains(sequence))
        guard isOut else {
            return reject(ticket, .notOut(sequence, name.name), seen: cell.changedIn)
        }
        streamFailed(subscriber, sequence, failure)
        let after = subscriptions.subscribers[subscriber]
        let refused = SubscriptionAnswer.refused(
            acknowledged: after.machine.state.acknowledged,
            isDeadLetter: after.parking == sequence || cell.redelivering == sequence,
            nextMillis: after.machine.state.notBeforeMillis)
        remember(key, hash: hash.value, answer: RefusedAnswer.encode(refused))
        answer(ticket, .event(.subscription(refused)), seen: filling)
    }

    /// An attempt failed: what is out comes again, or the store is asked for what becomes a dead letter.
    private mutating func streamFailed(
        _ subscriber: Int32, _ sequence: Int64, _ failure: StepFailure
    ) {
        if subscriptions.subscribers[subscriber].redelivering == sequence {
            disarmSubscriber(subscriber)
            letterFailed(subscriber, failure)
            return resumeStream(subscriber)
        }
        holdStream(subscriber)
        let random = nextRandom()
        let policy = policy(subscriber)
        let verdict = subscriptions.subscribers[subscriber].machine.failed(
            sequence, failure, policy, at: now.wallMillis, random: random)
        storeSubscriber(subscriber)
        switch verdict {
        case .retry(let millis): armSubscriber(subscriber, atMillis: millis)
        case .deadLetter: fetchForParking(subscriber, sequence)
        }
    }

    /// What is out was not acknowledged in time.
    mutating func streamTimedOut(_ subscriber: Int32) {
        let cell = subscriptions.subscribers[subscriber]
        guard let out = cell.redelivering > 0 ? cell.redelivering : cell.machine.first else {
            return
        }
        streamFailed(subscriber, out, .ackTimeout(policy(subscriber).ackTimeoutMillis))
    }
}

/// What a refusal of a publication answered.
private enum RefusedAnswer {
    static let method = "Nack"

    /// Format version, what is done, whether it became a dead letter, when it comes again.
    static func encode(_ answer: SubscriptionAnswer) -> [UInt8] {
        guard case .refused(let acknowledged, let isDeadLetter, let next) = answer else {
            return []
        }
        var writer = ByteWriter(capacity: 24)
        writer.byte(1)
        writer.signed(acknowledged)
        writer.bool(isDeadLetter)
        writer.signed(next)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> SubscriptionAnswer {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        return .refused(
            acknowledged: try reader.signed(), isDeadLetter: try reader.bool(),
            nextMillis: try reader.signed())
    }
}
