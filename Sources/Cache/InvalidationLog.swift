import Synchronization
import Threads

/// Something in a namespace is not what it was.
public struct CacheInvalidation: Sendable, Equatable {
    /// Grows by one from each to the next.
    public let sequence: UInt64
    /// What was set or invalidated.
    public let target: CacheTarget
    /// Whether it was set, and not invalidated.
    public let isWrite: Bool
}

/// The writes and invalidations of one namespace, for those who keep copies.
///
/// It remembers the last few while somebody watches, and for a while after, so that who comes back
/// need not flush; otherwise it only counts. Any thread.
public final class InvalidationLog: Sendable {
    /// Names the life of this log.
    public let epoch: UInt64
    private let last = Atomic<UInt64>(0)
    private let state = Locked(State())

    /// What is remembered at most.
    fileprivate static let maxEntries = 4_096
    fileprivate static let maxBytes = 1 << 20
    private static let maxWatchers = 1_000
    /// How long after the last watcher left.
    private static let memoryNanos: Int64 = 60_000_000_000

    fileprivate struct Seat {
        let watcher: InvalidationWatcher
        /// Whether it has read all and is to be woken.
        var isAsleep = false
    }

    fileprivate struct State {
        var entries: [CacheInvalidation] = []
        /// Entries before this one are dropped with the next tidying.
        var start = 0
        var bytes = 0
        var watchers: [ObjectIdentifier: Seat] = [:]
        var watchedUntil = Int64.min
    }

    init(epoch: UInt64) { self.epoch = epoch }

    /// The last invalidation; 0: none yet.
    public var sequence: UInt64 { last.load(ordering: .acquiring) }

    /// Streams that watch now.
    public var watcherCount: Int { state.withLock { $0.watchers.count } }

    // MARK: Writing

    /// Notes one and wakes those who watch.
    @discardableResult
    func append(_ target: CacheTarget, isWrite: Bool, now: Int64) -> UInt64 {
        let (sequence, awake) = state.withLock { state -> (UInt64, [InvalidationWatcher]) in
            let sequence = last.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
            guard !state.watchers.isEmpty || state.watchedUntil > now else {
                state.forget()
                return (sequence, [])
            }
            state.add(CacheInvalidation(sequence: sequence, target: target, isWrite: isWrite))
            return (sequence, state.sleepers())
        }
        for watcher in awake { watcher.wake() }
        return sequence
    }

    // MARK: Watching

    /// Begins to wake a watcher; it is asleep from its first reading to the end on.
    ///
    /// - Returns: `false`: too many watch.
    func add(_ watcher: InvalidationWatcher) -> Bool {
        state.withLock { state in
            if state.watchers.count >= Self.maxWatchers { return false }
            state.watchers[ObjectIdentifier(watcher)] = Seat(watcher: watcher)
            return true
        }
    }

    /// Wakes a watcher no longer. `false`: it was not one.
    func remove(_ watcher: InvalidationWatcher, now: Int64) -> Bool {
        state.withLock { state in
            let seat = state.watchers.removeValue(forKey: ObjectIdentifier(watcher))
            if seat == nil { return false }
            if state.watchers.isEmpty { state.watchedUntil = now + Self.memoryNanos }
            return true
        }
    }

    /// The next after a sequence; `nil`: not all of them are remembered, the reader must flush and
    /// go on from `sequence`. A watcher that has read all is woken by the next one.
    public func read(
        after sequence: UInt64, limit: Int, for watcher: InvalidationWatcher
    ) -> [CacheInvalidation]? {
        state.withLock { state in
            let end = last.load(ordering: .acquiring)
            if sequence == end {
                state.watchers[ObjectIdentifier(watcher)]?.isAsleep = true
                return []
            }
            guard sequence < end, let first = state.first, sequence + 1 >= first else { return nil }
            let from = state.start + Int(sequence + 1 - first)
            let page = state.entries[from...].prefix(limit)
            if from + page.count == state.entries.count {
                state.watchers[ObjectIdentifier(watcher)]?.isAsleep = true
            }
            return Array(page)
        }
    }
}

extension InvalidationLog.State {
    /// The oldest that is remembered.
    var first: UInt64? { start < entries.count ? entries[start].sequence : nil }

    mutating func add(_ entry: CacheInvalidation) {
        entries.append(entry)
        bytes += entry.byteCount
        while entries.count - start > InvalidationLog.maxEntries || bytes > InvalidationLog.maxBytes
        {
            bytes -= entries[start].byteCount
            start += 1
        }
        if start > entries.count / 2 {
            entries.removeFirst(start)
            start = 0
        }
    }

    mutating func forget() {
        if entries.isEmpty { return }
        entries = []
        start = 0
        bytes = 0
    }

    /// Watchers to be woken; each once.
    mutating func sleepers() -> [InvalidationWatcher] {
        var found: [InvalidationWatcher] = []
        for (id, seat) in watchers where seat.isAsleep {
            watchers[id]?.isAsleep = false
            found.append(seat.watcher)
        }
        return found
    }
}

extension CacheInvalidation {
    fileprivate var byteCount: Int {
        switch target {
        case .key(let text), .prefix(let text), .tag(let text): 64 + text.utf8.count
        case .everything: 64
        }
    }
}

/// Somebody who reads an ``InvalidationLog`` as it grows.
public final class InvalidationWatcher: Sendable {
    let wake: @Sendable () -> Void

    /// `wake` is called on any thread, once for each time that there is something new after the
    /// watcher had read all; it must not block.
    public init(wake: @escaping @Sendable () -> Void) { self.wake = wake }
}
