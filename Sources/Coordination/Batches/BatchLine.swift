/// The items of one operation: those that wait, those that are at agents, and those that are tried
/// again alone.
///
/// A value that knows numbers, not payloads: what happens comes in, ``depart(at:)`` says what leaves,
/// ``nextDeadlineNanos`` when it must be asked again.
public struct BatchLine: Sendable {
    /// An item as the line sees it.
    public struct Item: Sendable, Hashable {
        /// Unique in the line, for ever.
        public var id: UInt64
        public var bytes: Int
        /// Monotonic.
        public var arrivedNanos: Int64
        /// Survives what its line must refuse: it goes on waiting when no agent is there.
        public var isDurable: Bool
        /// How often it was given to an agent.
        public var attempts = 0
        /// How often it left and no agent could be given it.
        public var refusals = 0
        /// How often it left.
        var departures: Int { attempts + refusals }

        /// An item that arrives.
        public init(id: UInt64, bytes: Int, arrivedNanos: Int64, isDurable: Bool = false) {
            self.id = id
            self.bytes = bytes
            self.arrivedNanos = arrivedNanos
            self.isDurable = isDurable
        }
    }

    /// What made a batch leave.
    public enum Cause: Sendable, Hashable, CaseIterable {
        case items, bytes, delay, flush, retry
    }

    /// Items that leave together.
    public struct Departure: Sendable, Hashable {
        /// Names it until it has ended.
        public var number: UInt64
        public var items: [Item]
        public var cause: Cause
    }

    /// How a batch ended.
    public enum End: Sendable {
        /// Each item for itself, in order; `nil`: well.
        case settled([StepFailure?])
        /// All of it.
        case failed(StepFailure)
        /// It could not be handed over.
        case refused(StepFailure)
    }

    /// How items are gathered now.
    public private(set) var definition: BatchDefinition
    /// In the order of their arrival; ids that are not in `fresh` any more were withdrawn.
    private var order = ItemOrder()
    private var fresh: [UInt64: Item] = [:]
    /// Bytes of those.
    private var freshBytes = 0
    /// Every item up to this id leaves without waiting longer.
    private var flushedThrough: UInt64 = 0
    /// Items that are tried again, by when, and what they are with their places there.
    private var retryTimes = IndexedHeap<UInt64>()
    private var retries: [UInt64: (item: Item, place: Int32)] = [:]
    /// Bytes of those.
    private var retryBytes = 0
    /// Durable items that stay for the next process, when the server goes down.
    private var staying: [UInt64: Item] = [:]
    private var isDraining = false
    private var flying: [UInt64: Departure] = [:]
    private var lastNumber: UInt64 = 0
    private var lastID: UInt64 = 0
    /// Nothing leaves before; after refusals.
    private var pausedUntilNanos: Int64 = .min
    private var refusals = 0

    /// An empty line.
    public init(_ definition: BatchDefinition) { self.definition = definition }

    /// The longest wait after refusals.
    private static let longestPauseMillis: Int64 = 10_000

    // MARK: What happens

    /// Another definition from now on; items stay.
    public mutating func redefine(_ definition: BatchDefinition) { self.definition = definition }

    /// Whether so many more items may wait.
    public func hasRoom(for count: Int) -> Bool {
        waitingCount + count <= definition.maxWaiting
    }

    /// An item arrives. Ids must ascend.
    public mutating func add(_ item: Item) {
        if isDraining, item.isDurable { return staying[item.id] = item }
        order.append(item.id)
        fresh[item.id] = item
        freshBytes += item.bytes
        lastID = max(lastID, item.id)
    }

    /// Takes a waiting item out; whether it was one.
    public mutating func withdraw(_ id: UInt64) -> Bool {
        if let item = fresh.removeValue(forKey: id) {
            freshBytes -= item.bytes
            dropWithdrawn()
            return true
        }
        guard let retry = retries.removeValue(forKey: id) else { return false }
        retryTimes.remove(retry.place)
        retryBytes -= retry.item.bytes
        return true
    }

    /// What waits leaves as soon as batches in flight allow; how many those are.
    public mutating func flush() -> Int {
        flushedThrough = lastID
        for id in retries.keys.sorted() {
            if let place = retries[id]?.place { retryTimes.update(place, key: .min) }
        }
        return waitingCount
    }

    /// The server goes down. Durable items that wait, or fail without having ended, stay as they are
    /// stored: none is given to an agent any more. The others leave as soon as batches in flight
    /// allow, each once more and then no more.
    public mutating func beginDraining() {
        isDraining = true
        let waiting = Array(fresh.values) + retries.values.map(\.item)
        for item in waiting where item.isDurable {
            _ = withdraw(item.id)
            staying[item.id] = item
        }
        _ = flush()
    }

    /// What leaves now.
    public mutating func depart(at nanos: Int64) -> [Departure] {
        var departures: [Departure] = []
        guard pausedUntilNanos <= nanos else { return [] }
        while flying.count < definition.maxInFlight {
            if let item = nextRetry(at: nanos) {
                departures.append(leave([item], .retry))
            } else if let cause = cause(at: nanos) {
                departures.append(leave(nextItems(), cause))
            } else {
                break
            }
        }
        return departures
    }

    /// A batch has ended. Items that are tried again wait anew.
    ///
    /// - Returns: the items that have ended too, each with its failure or without, in order.
    public mutating func ended(
        _ number: UInt64, _ end: End, at nanos: Int64
    ) -> [(item: Item, failure: StepFailure?)] {
        guard let departure = flying.removeValue(forKey: number) else { return [] }
        switch end {
        case .settled(let failures):
            refusals = 0
            return zip(departure.items, failures).compactMap { item, failure in
                guard let failure else { return (item, nil) }
                return retry(item, failure, isAlone: true, nanos) ? nil : (item, failure)
            }
        case .failed(let failure):
            refusals = 0
            let isAlone = departure.items.count == 1
            return departure.items.compactMap {
                retry($0, failure, isAlone: isAlone, nanos) ? nil : ($0, failure)
            }
        case .refused(let failure): return refused(departure, failure, nanos)
        }
    }

    // MARK: What there is

    /// Items that wait, those that are to be tried again included.
    public var waitingCount: Int { fresh.count + retries.count + staying.count }
    public var waitingBytes: Int {
        staying.values.reduce(freshBytes + retryBytes) { $0 + $1.bytes }
    }
    /// Batches that agents work on, and the items in them.
    public var flyingCount: Int { flying.count }
    public var flyingItems: Int { flying.values.reduce(0) { $0 + $1.items.count } }
    /// When the oldest item that waits arrived.
    public var oldestNanos: Int64? {
        let oldest = order.first.flatMap { fresh[$0]?.arrivedNanos }
        let others = retries.values.map(\.item.arrivedNanos) + staying.values.map(\.arrivedNanos)
        return others.reduce(oldest) { min($0 ?? .max, $1) }
    }
    /// Whether no item waits or is on its way.
    public var isEmpty: Bool { waitingCount == 0 && flying.isEmpty }

    /// When something leaves if nothing else happens before; `nil`: only when something happens.
    public var nextDeadlineNanos: Int64? {
        guard flying.count < definition.maxInFlight else { return nil }
        var due = retryTimes.smallestKey ?? .max
        if let first = order.first, let item = fresh[first] {
            due = min(due, isFull || first <= flushedThrough ? .min : end(of: item))
        }
        return due == .max ? nil : max(due, pausedUntilNanos)
    }

    /// Whether an item stays where it is stored until the next process.
    public func isStaying(_ id: UInt64) -> Bool { staying[id] != nil }

    // MARK: Parts

    private var isFull: Bool {
        fresh.count >= definition.maxItems || freshBytes >= definition.maxBytes
    }

    private func end(of item: Item) -> Int64 {
        let (end, isTooLate) = item.arrivedNanos.addingReportingOverflow(
            definition.maxDelayMillis * 1_000_000)
        return isTooLate ? .max : end
    }

    private mutating func nextRetry(at nanos: Int64) -> Item? {
        guard let id = retryTimes.popFirst(upTo: nanos) else { return nil }
        guard let retry = retries.removeValue(forKey: id) else { return nil }
        retryBytes -= retry.item.bytes
        return retry.item
    }

    private func cause(at nanos: Int64) -> Cause? {
        guard let first = order.first, let item = fresh[first] else { return nil }
        if fresh.count >= definition.maxItems { return .items }
        if freshBytes >= definition.maxBytes { return .bytes }
        if first <= flushedThrough { return .flush }
        return end(of: item) <= nanos ? .delay : nil
    }

    /// The oldest items, as many as one batch holds; at least one.
    private mutating func nextItems() -> [Item] {
        var items: [Item] = []
        var bytes = 0
        while items.count < definition.maxItems, let id = order.first, let item = fresh[id] {
            if !items.isEmpty, bytes + item.bytes > definition.maxBytes { break }
            bytes += item.bytes
            items.append(item)
            fresh[id] = nil
            order.removeFirst()
            dropWithdrawn()
        }
        freshBytes -= bytes
        return items
    }

    private mutating func leave(_ items: [Item], _ cause: Cause) -> Departure {
        lastNumber += 1
        let tried = items.map { item in
            var item = item
            item.attempts += 1
            return item
        }
        let departure = Departure(number: lastNumber, items: tried, cause: cause)
        flying[lastNumber] = departure
        return departure
    }

    /// Withdrawn items leave the order when they come to its front.
    private mutating func dropWithdrawn() {
        while let first = order.first, fresh[first] == nil { order.removeFirst() }
    }

    /// Whether an item is tried again: it may be, and either it did not fail by itself or its failure
    /// says that it may help.
    private mutating func retry(
        _ item: Item, _ failure: StepFailure, isAlone: Bool, _ nanos: Int64
    ) -> Bool {
        guard case .retryItems(let attempts, let millis) = definition.onFailure,
            item.departures < attempts, failure.retryable || !isAlone
        else { return false }
        if isDraining {
            if item.isDurable { staying[item.id] = item }
            return item.isDurable
        }
        let doubled = millis << min(item.departures - 1, 7)
        let wait = failure.bounded.retryAfterMillis ?? min(doubled, millis * 100)
        let place = retryTimes.insert(item.id, key: nanos + wait * 1_000_000)
        retries[item.id] = (item, place)
        retryBytes += item.bytes
        return true
    }

    /// Durable items go back to the front and nothing leaves for a while; the others have failed.
    private mutating func refused(
        _ departure: Departure, _ failure: StepFailure, _ nanos: Int64
    ) -> [(item: Item, failure: StepFailure?)] {
        let kept = departure.items.filter(\.isDurable)
        let isAlone = departure.items.count == 1
        if !kept.isEmpty {
            refusals += 1
            let wait = min(100 << min(Int64(refusals), 7), Self.longestPauseMillis)
            pausedUntilNanos = nanos + wait * 1_000_000
        }
        if !isDraining { order.prepend(kept.map(\.id)) }
        for var item in kept {
            item.attempts -= 1
            takeBack(item)
        }
        return departure.items.filter { !$0.isDurable }.compactMap { item in
            var item = item
            item.attempts -= 1
            item.refusals += 1
            return retry(item, failure, isAlone: isAlone, nanos) ? nil : (item, failure)
        }
    }

    private mutating func takeBack(_ item: Item) {
        if isDraining { return staying[item.id] = item }
        fresh[item.id] = item
        freshBytes += item.bytes
    }
}
