import Coordination
import Store

/// Publications whose attempts are used up: kept, and delivered again when somebody says so.
extension CoordinationEngine {
    // MARK: Parking

    /// A publication becomes a dead letter; its target goes on behind it.
    mutating func park(
        _ subscriber: Int32, _ publication: Publication, attempts: Int, _ failure: StepFailure
    ) {
        let (namespace, _) = subscriberKey(subscriber)
        let name = subscriptionName(subscriber)
        let target = subscriptions.subscribers[subscriber].target
        let letter = EventDeadLetter(
            subscription: name, target: target.name, publication: publication, attempts: attempts,
            failure: failure, parkedMillis: now.wallMillis)
        storeLetter(letter, namespace)
        subscriptions.subscribers[subscriber].machine.givenUp(publication.sequence)
        subscriptions.subscribers[subscriber].letters.append(
            EventDeadLetterMark(sequence: publication.sequence))
        while subscriptions.subscribers[subscriber].letters.count > limits.maxEventDeadLetters {
            let dropped = subscriptions.subscribers[subscriber].letters.removeFirst()
            removeLetter(dropped.sequence, name, target, namespace)
            subscriptions.subscribers[subscriber].machine.droppedDeadLetter()
        }
        storeMarks(subscriber)
        storeSubscriber(subscriber)
        draft.effects.notices.append(.event(.deadLettered))
    }

    private mutating func storeLetter(_ letter: EventDeadLetter, _ namespace: Namespace) {
        put(
            EntityRow(
                kind: .eventDeadLetter, namespace: namespace.name,
                key: EventDeadLetter.key(
                    subscription: letter.subscription, target: letter.target,
                    sequence: letter.publication.sequence),
                blob: SubscriptionCodec.encode(letter)))
    }

    mutating func removeLetter(
        _ sequence: Int64, _ subscription: String, _ target: SubscriptionTarget,
        _ namespace: Namespace
    ) {
        put(
            EntityRow(
                kind: .eventDeadLetter, namespace: namespace.name,
                key: EventDeadLetter.key(
                    subscription: subscription, target: target.name, sequence: sequence), blob: nil)
        )
    }

    private mutating func storeMarks(_ subscriber: Int32) {
        let (namespace, key) = subscriberKey(subscriber)
        let letters = subscriptions.subscribers[subscriber].letters
        put(
            EntityRow(
                kind: .eventDeadLetters, namespace: namespace.name, key: key,
                blob: letters.isEmpty ? nil : SubscriptionCodec.encode(letters)))
        let batch = filling
        subscriptions.subscribers[subscriber].changedIn = batch
    }

    /// A stream's publication is not at hand: the store is asked for it. It went out before, so no
    /// filter is asked, which may be another one by now.
    mutating func fetchForParking(_ subscriber: Int32, _ sequence: Int64) {
        let (namespace, _) = subscriberKey(subscriber)
        subscriptions.subscribers[subscriber].parking = sequence
        prepareEvents(
            subscriber,
            .stored(
                PublicationRange(
                    namespace: namespace.name, patterns: [.all], from: sequence, through: sequence,
                    limit: 1)), plan: .unfiltered)
    }

    /// What was begun for a publication that becomes a dead letter came to nothing: it is begun again.
    mutating func parkAgain(_ subscriber: Int32) {
        let sequence = subscriptions.subscribers[subscriber].parking
        if sequence > 0 { fetchForParking(subscriber, sequence) }
    }

    /// The store could not be read: it is asked again in a second. Until then nothing goes out, as the
    /// refusal has been answered.
    mutating func parkLater(_ subscriber: Int32) {
        armSubscriber(subscriber, atNanos: monotonicNanos(inMillis: 1_000))
    }

    /// What the store gave; `nil`: it was removed meanwhile, so that nothing is left to be kept.
    mutating func parkFound(_ subscriber: Int32, _ publication: Publication?) {
        let sequence = subscriptions.subscribers[subscriber].parking
        subscriptions.subscribers[subscriber].parking = 0
        disarmSubscriber(subscriber)
        let state = subscriptions.subscribers[subscriber].machine.state
        let failure = state.lastFailure ?? .streamEnded
        if let publication {
            park(subscriber, publication, attempts: max(1, state.failures), failure)
        } else {
            subscriptions.subscribers[subscriber].machine.lost(sequence)
            draft.effects.notices.append(.event(.gap))
            storeSubscriber(subscriber)
        }
        subscriptions.subscribers[subscriber].machine.callBack()
        resumeStream(subscriber)
    }

    // MARK: Again

    mutating func requeue(
        _ name: SubscriptionName, _ target: String, _ sequence: Int64, isDiscarded: Bool,
        _ by: Signature, _ ticket: ReplyTicket
    ) {
        let hash = Self.requeueHash(name, target, sequence, isDiscarded: isDiscarded)
        let key = RequestLog.Key(
            namespace: name.namespace, method: "RequeueEvent", requestID: by.requestID)
        switch rememberedAnswer(key, hash: hash) {
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .known(_, let seen):
            return answer(ticket, .event(.subscription(.requeued)), seen: seen)
        case .new: break
        }
        guard let subscriber = findTarget(target, of: name, ticket) else { return }
        guard
            let index = subscriptions.subscribers[subscriber].letters.firstIndex(where: {
                $0.sequence == sequence
            })
        else {
            return reject(
                ticket, .unknownEventLetter(sequence, name.name), seen: subscriptions.changedIn)
        }
        if isDiscarded {
            subscriptions.subscribers[subscriber].letters.remove(at: index)
            let target = subscriptions.subscribers[subscriber].target
            removeLetter(sequence, name.name, target, name.namespace)
        } else {
            subscriptions.subscribers[subscriber].letters[index].isRequeued = true
        }
        storeMarks(subscriber)
        remember(key, hash: hash, answer: [1])
        audit(
            namespace: name.namespace, actor: by.actor,
            action: "RequeueEvent", subject: "subscription/\(name.name)",
            after: "\(isDiscarded ? "given up" : "again"): \(sequence)", requestID: by.requestID)
        pump(subscriber)
        answer(ticket, .event(.subscription(.requeued)), seen: filling)
    }

    /// What a repeated request must ask for again.
    private static func requeueHash(
        _ name: SubscriptionName, _ target: String, _ sequence: Int64, isDiscarded: Bool
    ) -> UInt64 {
        var hash = StableHash()
        hash.combine(name.name)
        hash.combine(target)
        hash.combine(UInt64(bitPattern: sequence))
        hash.combine(isDiscarded ? 1 : 0)
        return hash.value
    }

    /// The target that a request names; it may leave out the only one.
    private mutating func findTarget(
        _ target: String, of name: SubscriptionName, _ ticket: ReplyTicket
    ) -> Int32? {
        guard let cell = findSubscription(name, ticket) else { return nil }
        let all = subscriptions.cells[cell].subscribers
        if target.isEmpty, all.count == 1 { return all[0] }
        let named = all.first { subscriptions.subscribers[$0].target.name.hasSameBytes(as: target) }
        if let named { return named }
        let known = all.map { subscriptions.subscribers[$0].target.name }
        reject(
            ticket, .noTarget(target, of: name.name, known: known),
            seen: max(subscriptions.changedIn, subscriptions.cells[cell].changedIn))
        return nil
    }

    mutating func fetchLetter(_ subscriber: Int32, _ sequence: Int64) {
        let (namespace, _) = subscriberKey(subscriber)
        subscriptions.subscribers[subscriber].redelivering = sequence
        let key = EventDeadLetter.key(
            subscription: subscriptionName(subscriber),
            target: subscriptions.subscribers[subscriber].target.name, sequence: sequence)
        prepareEvents(subscriber, .letter(namespace: namespace.name, key: key))
    }

    /// A dead letter is at hand again.
    mutating func deliverLetter(
        _ subscriber: Int32, _ delivery: EventDelivery?, _ letter: EventDeadLetter?
    ) {
        guard let delivery else {
            // Its row is gone: somebody gave it up while it was read.
            letterDone(subscriber)
            return pump(subscriber)
        }
        if isPaused(subscriber) {
            subscriptions.subscribers[subscriber].redelivering = 0
            return
        }
        subscriptions.subscribers[subscriber].letterOut = letter
        if case .stream = subscriptions.subscribers[subscriber].target {
            tell(subscriber, .redeliver(delivery.publication, attempt: 1))
            return armSubscriber(
                subscriber, atNanos: monotonicNanos(inMillis: policy(subscriber).ackTimeoutMillis))
        }
        if deliverAgain(subscriber, delivery) { pump(subscriber) }
    }

    /// The dead letter that is out is done.
    mutating func letterDone(_ subscriber: Int32) {
        let sequence = subscriptions.subscribers[subscriber].redelivering
        let (namespace, _) = subscriberKey(subscriber)
        subscriptions.subscribers[subscriber].redelivering = 0
        subscriptions.subscribers[subscriber].letters.removeAll { $0.sequence == sequence }
        subscriptions.subscribers[subscriber].machine.deliveredAgain()
        let target = subscriptions.subscribers[subscriber].target
        removeLetter(sequence, subscriptionName(subscriber), target, namespace)
        storeMarks(subscriber)
        storeSubscriber(subscriber)
    }

    /// The dead letter that is out failed again: it stays one, with its newest failure. One that was
    /// given up or dropped meanwhile stays away.
    mutating func letterFailed(_ subscriber: Int32, _ failure: StepFailure) {
        let sequence = subscriptions.subscribers[subscriber].redelivering
        let letter = subscriptions.subscribers[subscriber].letterOut
        subscriptions.subscribers[subscriber].redelivering = 0
        let index = subscriptions.subscribers[subscriber].letters.firstIndex {
            $0.sequence == sequence
        }
        guard let index else { return }
        subscriptions.subscribers[subscriber].letters[index].isRequeued = false
        if var letter {
            letter.attempts += 1
            letter.failure = failure
            letter.parkedMillis = now.wallMillis
            let (namespace, _) = subscriberKey(subscriber)
            storeLetter(letter, namespace)
        }
        storeMarks(subscriber)
    }
}
