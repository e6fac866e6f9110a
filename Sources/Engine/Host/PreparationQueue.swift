import DequeModule
import Threads

/// What waits for the preparation threads, handed out one by one.
///
/// Long work and short work wait apart: a thread that takes only short work is never held up by long
/// work, however much of it waits. Any thread may post; each thread of ours takes with ``next(_:)``.
final class PreparationQueue: Sendable {
    typealias Job = @Sendable () -> Void

    /// How long the work takes, as far as one can tell.
    enum Length { case short, long }

    fileprivate struct State {
        var short: Deque<Entry> = []
        var long: Deque<Entry> = []
        var waitingWork = 0
        var isClosed = false
    }

    fileprivate struct Entry {
        let job: Job
        let lane: MailboxLane
    }

    /// How much new work may wait.
    private let capacity: Int
    private let state = Monitor(State())

    init(capacity: Int) { self.capacity = capacity }

    /// Leaves a job; `false`: the lane is full, or the queue is closed.
    func post(_ job: @escaping Job, _ length: Length, lane: MailboxLane) -> Bool {
        let isTaken = state.withLock { state in
            if state.isClosed || lane == .work && state.waitingWork >= capacity { return false }
            state.add(Entry(job: job, lane: lane), length)
            return true
        }
        // All, since whoever would be woken alone may be one that only takes short work.
        if isTaken { state.broadcast() }
        return isTaken
    }

    /// Waits for a job; `nil`: the queue is closed and has none left.
    ///
    /// - Parameter length: `.short`: only short ones; `.long`: those too, behind long ones.
    func next(_ length: Length) -> Job? {
        state.wait(
            until: { state in
                state.isClosed || !state.short.isEmpty || length == .long && !state.long.isEmpty
            },
            then: { $0.take(length) })
    }

    /// Takes nothing more; what waits is still handed out.
    func close() {
        state.withLock { $0.isClosed = true }
        state.broadcast()
    }
}

extension PreparationQueue.State {
    fileprivate mutating func add(
        _ entry: PreparationQueue.Entry, _ length: PreparationQueue.Length
    ) {
        if entry.lane == .work { waitingWork += 1 }
        switch length {
        case .short: short.append(entry)
        case .long: long.append(entry)
        }
    }

    fileprivate mutating func take(_ length: PreparationQueue.Length) -> PreparationQueue.Job? {
        guard let entry = (length == .long ? long.popFirst() : nil) ?? short.popFirst() else {
            return nil
        }
        if entry.lane == .work { waitingWork -= 1 }
        return entry.job
    }
}
