import Coordination
import Store

/// The targets of subscriptions: how they come and go, and what is stored of them.
extension CoordinationEngine {
    mutating func insertSubscriber(
        _ subscription: Int32, _ target: SubscriptionTarget, _ state: SubscriberState,
        _ letters: [EventDeadLetterMark] = []
    ) {
        let definition = subscriptions.cells[subscription].definition
        var cell = SubscriberCell(
            subscription: subscription, target: target, plan: EventPlan(definition, target),
            machine: SubscriberMachine(state))
        cell.letters = letters
        cell.scannedThrough = state.acknowledged
        let index = subscriptions.subscribers.insert(cell)
        subscriptions.cells[subscription].subscribers.append(index)
    }

    /// A target is no more; what is begun for it comes to nothing.
    mutating func removeSubscriber(_ subscriber: Int32) {
        let (namespace, key) = subscriberKey(subscriber)
        let cell = subscriptions.subscribers[subscriber]
        if let stream = cell.stream {
            open.remove(stream)
            reject(stream, .subscriptionDeleted)
        }
        cancelCall(subscriber)
        disarmSubscriber(subscriber)
        let name = subscriptions.cells[cell.subscription].definition.name
        for letter in cell.letters { removeLetter(letter.sequence, name, cell.target, namespace) }
        put(EntityRow(kind: .subscriber, namespace: namespace.name, key: key, blob: nil))
        put(EntityRow(kind: .eventDeadLetters, namespace: namespace.name, key: key, blob: nil))
        subscriptions.subscribers.remove(subscriber)
    }

    /// What it is given is another: what was made ready is made ready anew.
    mutating func startOver(_ subscriber: Int32) {
        cancelCall(subscriber)
        callBack(subscriber)
        subscriptions.subscribers[subscriber].generation = subscriptions.newGeneration()
        subscriptions.subscribers[subscriber].isPreparing = false
        parkAgain(subscriber)
        if let stream = subscriptions.subscribers[subscriber].stream {
            open.remove(stream)
            subscriptions.subscribers[subscriber].stream = nil
            reject(stream, .subscriptionChanged)
        }
    }

    /// Nothing is out, and nothing is in the queue.
    mutating func callBack(_ subscriber: Int32) {
        subscriptions.subscribers[subscriber].machine.callBack()
        subscriptions.subscribers[subscriber].queue = []
        subscriptions.subscribers[subscriber].isLive = false
        let acknowledged = subscriptions.subscribers[subscriber].machine.state.acknowledged
        subscriptions.subscribers[subscriber].scannedThrough = acknowledged
        subscriptions.subscribers[subscriber].redelivering = 0
    }

    /// Its namespace, and the key of its rows.
    mutating func subscriberKey(_ subscriber: Int32) -> (Namespace, key: String) {
        let cell = subscriptions.subscribers[subscriber]
        let subscription = subscriptions.cells[cell.subscription]
        return (subscription.namespace, "\(subscription.definition.name)\0\(cell.target.name)")
    }

    /// Its state goes with the filling batch.
    mutating func storeSubscriber(_ subscriber: Int32) {
        let (namespace, key) = subscriberKey(subscriber)
        let state = subscriptions.subscribers[subscriber].machine.state
        let batch = put(
            EntityRow(
                kind: .subscriber, namespace: namespace.name, key: key,
                blob: SubscriptionCodec.encode(state)))
        subscriptions.subscribers[subscriber].changedIn = batch
        subscriptions.subscribers[subscriber].hasSkipped = false
    }

    // MARK: Timers

    /// Rings at an instant of the wall clock.
    mutating func armSubscriber(_ subscriber: Int32, atMillis millis: Int64) {
        armSubscriber(subscriber, atNanos: monotonicNanos(atWallMillis: millis))
    }

    mutating func armSubscriber(_ subscriber: Int32, atNanos nanos: Int64) {
        let timer = subscriptions.subscribers[subscriber].timer
        if timer >= 0 {
            timers.update(timer, key: nanos)
        } else {
            subscriptions.subscribers[subscriber].timer = timers.insert(
                .subscriber(subscriber), key: nanos)
        }
    }

    mutating func disarmSubscriber(_ subscriber: Int32) {
        let timer = subscriptions.subscribers[subscriber].timer
        if timer >= 0 { timers.remove(timer) }
        subscriptions.subscribers[subscriber].timer = -1
    }

    mutating func subscriberDue(_ subscriber: Int32) {
        subscriptions.subscribers[subscriber].timer = -1
        if subscriptions.subscribers[subscriber].parking > 0 { return parkAgain(subscriber) }
        let state = subscriptions.subscribers[subscriber].machine.state
        if state.notBeforeMillis > 0 {
            // A wall clock that was set back makes it wait no longer than it was meant to.
            subscriptions.subscribers[subscriber].machine.waitIsOver()
            if case .stream = subscriptions.subscribers[subscriber].target {
                return resumeStream(subscriber)
            }
            return pump(subscriber)
        }
        streamTimedOut(subscriber)
    }

    // MARK: What is published

    /// A batch with publications is on disk: who is idle goes on with them.
    mutating func wakeSubscribers(_ namespace: Namespace, _ publications: [Publication]) {
        events.spaces[namespace]?.committed = publications.last?.sequence ?? 0
        if subscriptions.index.isEmpty { return }
        var fresh: [Int32: [Publication]] = [:]
        for publication in publications {
            for subscriber in interested(publication.content.topic, namespace) {
                fresh[subscriber, default: []].append(publication)
            }
        }
        guard let last = publications.last?.sequence else { return }
        for subscriber in fresh.keys.sorted() {
            takeFresh(subscriber, fresh[subscriber] ?? [], through: last)
        }
    }

    private mutating func interested(_ topic: String, _ namespace: Namespace) -> [Int32] {
        let name = TopicReference(namespace: namespace, topic: topic)
        if let known = subscriptions.interested[name] { return known }
        var found: [Int32] = []
        for cell in subscriptions.index.values {
            let subscription = subscriptions.cells[cell]
            guard subscription.namespace == namespace,
                subscription.definition.patterns.match(topic)
            else { continue }
            found += subscription.subscribers
        }
        if subscriptions.interested.count >= SubscriptionTables.maxInterested {
            subscriptions.interested = [:]
        }
        subscriptions.interested[name] = found
        return found
    }

    /// Publications for a target that is idle are made ready at once; another reads them later.
    private mutating func takeFresh(
        _ subscriber: Int32, _ publications: [Publication], through: Int64
    ) {
        let cell = subscriptions.subscribers[subscriber]
        if case .stream = cell.target { return }
        let isIdle =
            cell.isLive && !cell.isPreparing && cell.queue.isEmpty && cell.redelivering == 0
            && cell.machine.state.notBeforeMillis == 0 && cell.machine.outCount == 0
        let isSmall = publications.count <= EventWork.pageSize
        guard isIdle, isSmall, !isPaused(subscriber) else {
            subscriptions.subscribers[subscriber].isLive = false
            return pump(subscriber)
        }
        prepareEvents(subscriber, .given(publications, through: through))
    }

    mutating func isPaused(_ subscriber: Int32) -> Bool {
        subscriptions.cells[subscriptions.subscribers[subscriber].subscription].definition.isPaused
    }

    /// - Parameter plan: `nil`: the target's own.
    mutating func prepareEvents(
        _ subscriber: Int32, _ source: EventWork.Source, plan: EventPlan? = nil
    ) {
        let generation = subscriptions.newGeneration()
        subscriptions.subscribers[subscriber].generation = generation
        subscriptions.subscribers[subscriber].isPreparing = true
        ready.eventWork.append(
            EventWork(
                call: EventCall(cell: subscriber, generation: generation), source: source,
                plan: plan ?? subscriptions.subscribers[subscriber].plan))
    }
}
