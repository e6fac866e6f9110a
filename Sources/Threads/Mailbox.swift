/// A bounded queue of messages from many threads to one consumer, emptied all at once.
///
/// Two lanes share one order. New work goes by ``MailboxLane/work`` and is refused when as many
/// work messages wait as the capacity says. What ends or keeps work (results, heartbeats,
/// releases, timers) goes by ``MailboxLane/vital`` and is never refused: a full server must
/// still be able to finish what it has. Vital messages are bounded by their senders, whose
/// streams are read no further while theirs wait.
///
/// Any thread may post. The consumer is either a thread of its own (`waitAndDrain`) or a passive
/// object drained under a ``TokenGate`` (`drain(into:)`). Post once per loop tick with
/// `post(contentsOf:)`: waking per message costs more than twice the CPU.
public final class Mailbox<Element: Sendable>: Sendable {
    /// How many work messages may wait.
    public let capacity: Int

    @usableFromInline let state = Monitor(MailboxState<Element>())
    @usableFromInline let wake: (@Sendable () -> Void)?

    /// An empty mailbox.
    ///
    /// - Parameters:
    ///   - capacity: how many work messages may wait, at least 1.
    ///   - wake: called on the posting thread, outside the lock, each time a post finds the
    ///     mailbox empty, and by `close`; must not block. `nil` for consumers that wait or share a
    ///     token.
    @inlinable
    public init(capacity: Int, wake: (@Sendable () -> Void)? = nil) {
        precondition(capacity > 0, "a mailbox needs room for at least one message")
        self.capacity = capacity
        self.wake = wake
    }

    /// Whether nothing waits. Takes the lock, so that it may serve ``TokenGate/combine(while:_:)``.
    @inlinable
    public var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    /// How many messages wait in both lanes; a gauge, old by the time it is read.
    @inlinable
    public var count: Int { state.withLock { $0.waiting.count } }

    /// Leaves one message.
    @inlinable
    public func post(_ element: Element, lane: MailboxLane) -> PostResult {
        let (result, sleeps) = state.withLock { state -> (PostResult, Bool) in
            if state.isClosed { return (.closed, false) }
            if lane == .work && state.waitingWork >= capacity { return (.full, false) }
            let wasEmpty = state.waiting.isEmpty
            state.waiting.append(element)
            if lane == .work { state.waitingWork += 1 }
            return (wasEmpty ? .postedAndWasEmpty : .posted, state.sleepers > 0)
        }
        if result == .postedAndWasEmpty { wakeConsumer(sleeps: sleeps) }
        return result
    }

    /// Leaves a batch of one lane under one lock, in order, as far as there is room.
    ///
    /// - Returns: how many were taken, from the front; the rest was refused (work lane full, or
    ///   mailbox closed) and is still the caller's.
    @inlinable
    public func post(contentsOf elements: [Element], lane: MailboxLane) -> BatchPostResult {
        var refused: [Element] = []
        return post(elements, lane: { _ in lane }, refused: &refused)
    }

    /// Leaves a batch of mixed lanes under one lock, in order: a socket loop's commands of one
    /// tick. Taken messages are removed from `elements`; the refused ones stay there, in order.
    ///
    /// - Parameter lane: says each message's lane; runs under the lock, so it must only look.
    @inlinable
    public func post(
        moving elements: inout [Element], lane: (Element) -> MailboxLane
    ) -> BatchPostResult {
        var refused: [Element] = []
        let result = post(elements, lane: lane, refused: &refused)
        elements.removeAll(keepingCapacity: true)
        elements.append(contentsOf: refused)
        return result
    }

    @inlinable
    func post(
        _ elements: [Element], lane: (Element) -> MailboxLane, refused: inout [Element]
    ) -> BatchPostResult {
        if elements.isEmpty { return BatchPostResult(taken: 0, refused: 0, wasEmpty: false) }
        let (wasEmpty, sleeps) = state.withLock { state -> (Bool, Bool) in
            let wasEmpty = state.waiting.isEmpty
            state.append(elements, capacity: capacity, lane: lane, refused: &refused)
            return (wasEmpty && !state.waiting.isEmpty, state.sleepers > 0)
        }
        if wasEmpty { wakeConsumer(sleeps: sleeps) }
        return BatchPostResult(
            taken: elements.count - refused.count, refused: refused.count, wasEmpty: wasEmpty)
    }

    /// Takes everything that waits, in the order it was posted.
    ///
    /// - Parameter batch: its old contents are dropped; its storage becomes the mailbox's next
    ///   buffer, so two buffers are enough for ever when the consumer passes the same variable.
    @inlinable
    public func drain(into batch: inout [Element]) {
        batch.removeAll(keepingCapacity: true)
        var taken = consume batch
        state.withLock { $0.exchange(with: &taken) }
        batch = taken
    }

    /// Waits for messages, then takes all; for a consumer with a thread of its own.
    ///
    /// - Parameter timeout: how long to wait (monotonic clock); `nil`: without limit.
    /// - Returns: `.drained` with at least one message in `batch`; `.timedOut` with none; `.closed`
    ///   when the mailbox was closed and everything posted before has been taken.
    @inlinable
    public func waitAndDrain(into batch: inout [Element], timeout: Duration? = nil) -> WaitResult {
        batch.removeAll(keepingCapacity: true)
        var taken = consume batch
        state.withLock { $0.sleepers += 1 }
        let isClosed = state.wait(
            timeout: timeout,
            until: { !$0.waiting.isEmpty || $0.isClosed },
            then: { state in
                state.sleepers -= 1
                state.exchange(with: &taken)
                return state.isClosed
            })
        batch = taken
        if !batch.isEmpty { return .drained }
        return isClosed ? .closed : .timedOut
    }

    /// Refuses all further posts, wakes the consumer and lets it end once it has taken what waits.
    @inlinable
    public func close() {
        state.withLock { $0.isClosed = true }
        state.broadcast()
        wake?()
    }

    @inlinable
    func wakeConsumer(sleeps: Bool) {
        if sleeps { state.signal() }
        wake?()
    }
}

/// What the lock protects.
@usableFromInline
struct MailboxState<Element: Sendable>: Sendable {
    @usableFromInline var waiting: [Element] = []
    @usableFromInline var waitingWork = 0
    /// How many threads are inside `waitAndDrain`; nobody is signalled when it is zero.
    @usableFromInline var sleepers = 0
    @usableFromInline var isClosed = false

    @inlinable
    init() {}

    @inlinable
    mutating func append(
        _ elements: [Element], capacity: Int, lane: (Element) -> MailboxLane,
        refused: inout [Element]
    ) {
        if isClosed {
            refused = elements
            return
        }
        for element in elements {
            switch lane(element) {
            case .vital:
                waiting.append(element)
            case .work where waitingWork < capacity:
                waitingWork += 1
                waiting.append(element)
            case .work:
                refused.append(element)
            }
        }
    }

    @inlinable
    mutating func exchange(with batch: inout [Element]) {
        swap(&waiting, &batch)
        waitingWork = 0
    }
}
