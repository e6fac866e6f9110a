#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A value behind a mutex, with a condition to wait on: the classic monitor (Hoare 1974, with
/// Mesa signalling, so a woken thread checks its condition again).
///
/// Only threads that this program owns may wait here; a thread of the Swift concurrency pool or
/// a socket loop must never block. Any thread may use `withLock` and the signals.
@safe public final class Monitor<Value>: @unchecked Sendable {
    // `@unchecked Sendable` is true for the reason given at `Locked`: `value` is only touched
    // while `mutex` is held, and `pthread_cond_*wait` gives the mutex back held.

    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let condition: UnsafeMutablePointer<pthread_cond_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    /// Wraps an initial value; nothing else may keep a reference into it.
    public init(_ initial: consuming sending Value) {
        unsafe mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        unsafe value.initialize(to: initial)
        let locked = unsafe pthread_mutex_init(mutex, nil)
        precondition(locked == 0, "pthread_mutex_init failed with \(locked)")
        let waited = unsafe initializeCondition(condition)
        precondition(waited == 0, "pthread_cond_init failed with \(waited)")
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` with exclusive access. Wakes nobody.
    @inlinable
    public func withLock<Result, Failure>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }

    /// Waits until `isReady` holds or `timeout` has passed, then runs `body` with the lock still
    /// held; `body` sees for itself whether the condition came true.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait on the monotonic clock; `nil` waits without limit, zero or
    ///     less does not wait.
    ///   - isReady: looked at under the lock, before the first wait and after each wake-up.
    @inlinable
    public func wait<Result>(
        timeout: Duration? = nil,
        until isReady: (borrowing Value) -> Bool,
        then body: (inout sending Value) -> sending Result
    ) -> sending Result {
        let deadline = timeout.map(monotonicDeadline)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while unsafe !isReady(value.pointee) {
            guard sleep(until: deadline) else { break }
        }
        return unsafe body(&value.pointee)
    }

    /// Gives the lock away, sleeps and takes it again; `false` at once when the deadline has
    /// passed. May wake early for no reason (POSIX allows it).
    @usableFromInline
    func sleep(until deadline: Int64?) -> Bool {
        guard let deadline else {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        let left = deadline - SystemClock.monotonicNanos()
        if left <= 0 { return false }
        unsafe waitOnce(condition, mutex, forNanos: left)
        return true
    }

    /// Wakes one waiting thread, if there is one. May be called with or without the lock held.
    @inlinable
    public func signal() {
        unsafe pthread_cond_signal(condition)
    }

    /// Wakes every waiting thread. May be called with or without the lock held.
    @inlinable
    public func broadcast() {
        unsafe pthread_cond_broadcast(condition)
    }
}

/// When a timeout ends on the monotonic clock. It is clamped to 0 ... 100 years, so that the sum
/// cannot overflow.
@usableFromInline
func monotonicDeadline(after timeout: Duration) -> Int64 {
    let limit: Int64 = 100 * 365 * 86_400
    let (seconds, attoseconds) = timeout.components
    let now = SystemClock.monotonicNanos()
    if seconds < 0 || attoseconds < 0 { return now }
    return now + min(seconds, limit) * 1_000_000_000 + attoseconds / 1_000_000_000
}

/// Timed waits follow the monotonic clock: setting the wall clock must not move a deadline.
private func initializeCondition(_ condition: UnsafeMutablePointer<pthread_cond_t>) -> Int32 {
    #if canImport(Darwin)
        return unsafe pthread_cond_init(condition, nil)
    #else
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        defer { unsafe pthread_condattr_destroy(&attributes) }
        let chosen = unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        return chosen == 0 ? unsafe pthread_cond_init(condition, &attributes) : chosen
    #endif
}

/// One wait of at most `nanos`; may return early for no reason (POSIX allows it).
private func waitOnce(
    _ condition: UnsafeMutablePointer<pthread_cond_t>,
    _ mutex: UnsafeMutablePointer<pthread_mutex_t>,
    forNanos nanos: Int64
) {
    #if canImport(Darwin)
        // Darwin has no pthread_condattr_setclock; its relative wait is monotonic.
        var interval = timespec(nanos: nanos)
        unsafe pthread_cond_timedwait_relative_np(condition, mutex, &interval)
    #else
        var deadline = timespec(nanos: SystemClock.monotonicNanos() + nanos)
        unsafe pthread_cond_timedwait(condition, mutex, &deadline)
    #endif
}

extension timespec {
    fileprivate init(nanos: Int64) {
        self.init(
            tv_sec: time_t(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
    }
}
