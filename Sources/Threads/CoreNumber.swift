import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Which core the calling thread runs on, to choose among ``LockStripes`` the one whose memory is
/// near. Any thread may call; nothing is allocated.
///
/// Where the system does not tell cheaply, threads are numbered in the order in which they first ask,
/// as if each had a core of its own. Either way it is a hint: the thread may run elsewhere by the time
/// that the number is used, and two threads may have the same one.
public enum CoreNumber {
    /// 0 or more.
    public static var current: Int {
        // glibc reads it from memory that the kernel keeps up to date (rseq); negative: it does not.
        if let core = currentCore?(), core >= 0 { return Int(core) }
        return ofThread
    }

    /// `sched_getcpu`, which is no part of the Glibc module, since that hides what is GNU's own.
    private static let currentCore: (@convention(c) () -> CInt)? = {
        #if canImport(Glibc)
            guard let symbol = unsafe dlsym(nil, "sched_getcpu") else { return nil }
            // Declared as `int sched_getcpu(void)`, sched_getcpu(3).
            return unsafe unsafeBitCast(symbol, to: (@convention(c) () -> CInt).self)
        #else
            return nil
        #endif
    }()

    private static var ofThread: Int {
        if let known = unsafe pthread_getspecific(key) { return Int(bitPattern: known) }
        let number = lastTaken.wrappingAdd(1, ordering: .relaxed).newValue
        // Fails only for want of memory; the thread then takes a new number each time, which is
        // slower and no less right.
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: number))
        return number
    }

    private static let lastTaken = Atomic<Int>(0)

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // Without a destructor: what is kept is the number itself, as an address that nobody follows.
        let outcome = unsafe pthread_key_create(&key, nil)
        precondition(outcome == 0, "pthread_key_create failed with \(outcome)")
        return key
    }()
}
