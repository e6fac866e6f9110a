import Coordination

/// Progress that nobody acknowledges: over publications of a target's topics that its filter leaves
/// out, and over gaps that were told. It is stored a little later, and that of many targets together.
extension CoordinationEngine {
    /// How long it may be lost with the process, and for how many targets one commit takes it up.
    private static var skipMillis: Int64 { 1_000 }
    private static var skippedAtOnce: Int { 256 }

    /// Everything up to `through` is out, done, or not for a target.
    mutating func passed(_ subscriber: Int32, _ sequences: [Int64], through: Int64) {
        let before = subscriptions.subscribers[subscriber].machine.state.acknowledged
        subscriptions.subscribers[subscriber].machine.sent(sequences, through: through)
        let after = subscriptions.subscribers[subscriber].machine.state.acknowledged
        let subscription = subscriptions.subscribers[subscriber].subscription
        // Without a filter nothing of its topics is left out, so that nothing could look like a gap.
        if after > before, !subscriptions.cells[subscription].definition.filter.isEmpty {
            noteSkipped(subscriber)
        }
    }

    /// A target's state has changed by itself.
    mutating func noteSkipped(_ subscriber: Int32) {
        if isDraining { return storeSubscriber(subscriber) }
        if subscriptions.subscribers[subscriber].hasSkipped { return }
        subscriptions.subscribers[subscriber].hasSkipped = true
        subscriptions.skipped.append(subscriber)
        armSkipped()
    }

    private mutating func armSkipped() {
        if subscriptions.skipTimer >= 0 { return }
        subscriptions.skipTimer = timers.insert(
            .skippedEvents, key: monotonicNanos(inMillis: Self.skipMillis))
    }

    /// It is time to store what has gathered.
    mutating func skippedDue() {
        subscriptions.skipTimer = -1
        storeSkipped(atMost: Self.skippedAtOnce)
        if !subscriptions.skipped.isEmpty { armSkipped() }
    }

    /// Stores what has gathered, the oldest first.
    mutating func storeSkipped(atMost limit: Int = .max) {
        let taken = subscriptions.skipped.prefix(limit)
        subscriptions.skipped.removeFirst(taken.count)
        // It may be stored since, or be another target by now.
        for subscriber in taken
        where subscriptions.subscribers.contains(subscriber)
            && subscriptions.subscribers[subscriber].hasSkipped
        {
            storeSubscriber(subscriber)
        }
    }
}
