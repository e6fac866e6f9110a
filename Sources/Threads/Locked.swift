#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A value that is only reachable while its mutex is held.
///
/// Any thread may call it. Critical sections are meant to be short: move values in or out and
/// leave; never call out, block or wait inside one (see ``Monitor`` for waiting). The mutex is
/// not recursive: a nested `withLock` on the same object never returns.
///
/// A pthread mutex is used rather than `Synchronization.Mutex` because the thread sanitizer
/// understands the former only: a race in our code must be told from a lock it cannot see.
@safe public final class Locked<Value: ~Copyable>: @unchecked Sendable {
    // `@unchecked Sendable` is true because `value` is touched only between lock and unlock of
    // `mutex` (and in init and deinit, when no other thread can hold a reference), and because
    // values enter and leave as `sending`, so nobody else keeps a way to reach them.

    /// Heap storage, since a pthread mutex must not move after its initialisation.
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    /// Heap storage beside the object, so that access needs no run-time exclusivity check.
    @usableFromInline let value: UnsafeMutablePointer<Value>

    /// Wraps an initial value; nothing else may keep a reference into it.
    @inlinable
    public init(_ initial: consuming sending Value) {
        unsafe mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        unsafe value.initialize(to: initial)
        let outcome = unsafe pthread_mutex_init(mutex, nil)
        precondition(outcome == 0, "pthread_mutex_init failed with \(outcome)")
    }

    @inlinable
    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` with exclusive access and returns what it returns, or throws what it throws.
    ///
    /// Blocks the calling thread while another holds the lock.
    @inlinable
    public func withLock<Result: ~Copyable, Failure>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}

extension Locked where Value: Sendable & Copyable {
    /// A copy of the value, taken under the lock; others may have changed it by the time it is
    /// used, so it serves gauges, logs and tests, not decisions.
    @inlinable
    public var snapshot: Value {
        withLock { $0 }
    }
}
