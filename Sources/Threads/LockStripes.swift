#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Several values, each only reachable while its own mutex is held (lock striping).
///
/// Beside an array of ``Locked`` it keeps cores out of each other's way: every mutex lies with its
/// value in lines of memory that no other stripe shares, and reaching it writes nothing else, while
/// an array counts a reference to the lock's object at each use. Any thread may call; what is said at
/// `Locked` of critical sections holds here too.
@safe public final class LockStripes<Value: ~Copyable>: @unchecked Sendable {
    // `@unchecked Sendable` is true for the reason given at `Locked`: a value is touched only while
    // the mutex before it is held, and values enter and leave as `sending`.

    /// How many there are.
    public let count: Int
    /// The stripes one after the other: mutex, gap, value, gap.
    @usableFromInline let memory: UnsafeMutableRawPointer

    /// Two lines of 64 bytes, since processors fetch them in pairs, or one of 128.
    @inlinable static var lineBytes: Int { 128 }

    @inlinable static var valueOffset: Int {
        unsafe roundUp(MemoryLayout<pthread_mutex_t>.size, MemoryLayout<Value>.alignment)
    }

    @inlinable static var strideBytes: Int {
        roundUp(valueOffset + MemoryLayout<Value>.size, lineBytes)
    }

    @inlinable
    static func roundUp(_ bytes: Int, _ unit: Int) -> Int { (bytes + unit - 1) / unit * unit }

    /// So many values, made in order by their index; nothing else may keep a reference into one.
    @inlinable
    public init(count: Int, _ make: (Int) -> sending Value) {
        precondition(count > 0, "no stripes")
        precondition(MemoryLayout<Value>.alignment <= Self.lineBytes, "aligned to more than a line")
        self.count = count
        unsafe memory = UnsafeMutableRawPointer.allocate(
            byteCount: count * Self.strideBytes, alignment: Self.lineBytes)
        for index in 0..<count {
            unsafe mutex(index).initialize(to: pthread_mutex_t())
            let outcome = unsafe pthread_mutex_init(mutex(index), nil)
            precondition(outcome == 0, "pthread_mutex_init failed with \(outcome)")
            unsafe value(index).initialize(to: make(index))
        }
    }

    @inlinable
    deinit {
        for index in 0..<count {
            unsafe pthread_mutex_destroy(mutex(index))
            unsafe value(index).deinitialize(count: 1)
        }
        unsafe memory.deallocate()
    }

    /// Runs `body` with exclusive access to the value at `index`, 0 to `count - 1`, and returns what it
    /// returns, or throws what it throws.
    ///
    /// Blocks the calling thread while another holds the lock of this value.
    @inlinable
    public func withLock<Result: ~Copyable, Failure>(
        at index: Int, _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        precondition(index >= 0 && index < count, "no such stripe")
        let mutex = unsafe mutex(index)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value(index).pointee)
    }

    // Both are bound once, in `init`, and not moved until `deinit`.

    @inlinable
    func mutex(_ index: Int) -> UnsafeMutablePointer<pthread_mutex_t> {
        unsafe (memory + index &* Self.strideBytes).assumingMemoryBound(to: pthread_mutex_t.self)
    }

    @inlinable
    func value(_ index: Int) -> UnsafeMutablePointer<Value> {
        unsafe (memory + index &* Self.strideBytes + Self.valueOffset)
            .assumingMemoryBound(to: Value.self)
    }
}
