import Threads

/// One alarm clock for the engine. `cadre` puts it on a socket loop; ``ThreadTimer`` needs none.
public protocol TimerPort: Sendable {
    /// Called once, before the first `wake`. `onWake` may be called from any thread.
    func start(onWake: @escaping @Sendable () -> Void)

    /// Call `onWake` once at this instant of the monotonic clock (``SystemClock``), or a little
    /// later; replaces the wish before. Called from any thread, must not block.
    func wake(atNanos: Int64)

    /// Call nothing any more.
    func stop()
}

/// A ``TimerPort`` on a thread of its own, for tests and tools without socket loops.
public final class ThreadTimer: TimerPort {
    private struct Wish: Sendable {
        var atNanos: Int64?
        var isStopped = false
        /// Counts the wishes, so that the thread sees when one was replaced.
        var version = 0
    }

    private let wish = Monitor(Wish())

    /// A timer that has not started.
    public init() {}

    /// Starts the thread, which calls `onWake`.
    public func start(onWake: @escaping @Sendable () -> Void) {
        let wish = self.wish
        do {
            _ = try NamedThread.start(name: "engine-timer") { Self.run(wish, onWake) }
        } catch {
            // Without the thread no timeout would ever fire: better not to serve at all.
            preconditionFailure("\(error)")
        }
    }

    /// See ``TimerPort/wake(atNanos:)``.
    public func wake(atNanos: Int64) {
        wish.withLock { wish in
            wish.atNanos = atNanos
            wish.version += 1
        }
        wish.signal()
    }

    /// Ends the thread, soon.
    public func stop() {
        wish.withLock { $0.isStopped = true }
        wish.signal()
    }

    private static func run(_ wish: Monitor<Wish>, _ onWake: @Sendable () -> Void) {
        while true {
            let current = wish.withLock { $0 }
            if current.isStopped { return }
            let left = current.atNanos.map { $0 - SystemClock.monotonicNanos() }
            if let left, left <= 0 {
                wish.withLock { now in
                    if now.version == current.version { now.atNanos = nil }
                }
                onWake()
                continue
            }
            wish.wait(
                timeout: left.map { .nanoseconds($0) },
                until: { $0.version != current.version || $0.isStopped }, then: { _ in })
        }
    }
}
