#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An operating-system thread of our own, with a name that `top -H`, `perf` and debuggers show.
///
/// For work that blocks (the store, readers, agents that burn CPU). It is not a Swift
/// concurrency executor and sets no quality of service. The body ends the thread by returning;
/// tell it to do so by closing the ``Mailbox`` it drains or opening a ``Latch`` it watches.
///
/// Any thread may call `join`, any number of times. A thread never joined is detached when its
/// last reference goes.
public final class NamedThread: Sendable {
    /// The full name as given; the system may show it cut short.
    public let name: String

    private let handle: Locked<Handle>
    private let ended: Latch

    /// What is left to do with the system's handle; it must be given back exactly once.
    private enum Handle {
        case joinable(SystemThread)
        case joined
    }

    private init(name: String, thread: SystemThread, ended: Latch) {
        self.name = name
        handle = Locked(.joinable(thread))
        self.ended = ended
    }

    /// Starts a thread and returns once it exists (it need not have run yet).
    ///
    /// - Parameters:
    ///   - name: what the thread is for, such as `store`; Linux shows the first 15 bytes,
    ///     Darwin 63.
    ///   - body: runs once on the new thread.
    /// - Throws: ``ThreadStartError`` when the system refuses another thread.
    public static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(ThreadStartError) -> NamedThread {
        let ended = Latch()
        let launch = unsafe Unmanaged.passRetained(Launch(name: name, body: body, ended: ended))
        var created = SystemThread.noIdentifier
        let outcome = unsafe pthread_create(&created, nil, runLaunch, launch.toOpaque())
        guard outcome == 0, let thread = SystemThread(created) else {
            unsafe launch.release()
            throw ThreadStartError(name: name, errno: outcome)
        }
        return NamedThread(name: name, thread: thread, ended: ended)
    }

    /// Waits until the body has returned. Must not be called from the thread itself, nor from a
    /// socket loop or the Swift concurrency pool.
    public func join() {
        ended.wait()
        let claimed = handle.withLock { handle in
            defer { handle = .joined }
            return handle
        }
        if case .joinable(let thread) = claimed { thread.join() }
    }

    deinit {
        let last = handle.withLock { $0 }
        if case .joinable(let thread) = last { thread.detach() }
    }
}

/// The system refused to create a thread: too many of them, or no memory for a stack.
///
/// Retriable after load has gone; at start-up, raise the limit (`ulimit -u`, cgroup `pids.max`).
public struct ThreadStartError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name the thread would have had.
    public let name: String
    /// What `pthread_create` returned, usually `EAGAIN`.
    public let errno: Int32

    /// What happened and what to do, in one sentence.
    public var description: String {
        "cannot start thread \"\(name)\": error \(errno); raise the limit on threads or memory"
    }
}

/// The system's handle of a thread: a plain integer on Linux, a pointer on Darwin.
@safe
private struct SystemThread: @unchecked Sendable {
    // `@unchecked Sendable` is true: POSIX lets any thread join or detach any other, and the
    // `Locked` around it makes sure that only one does.
    private let thread: pthread_t

    #if canImport(Darwin)
        static var noIdentifier: pthread_t? { nil }

        init?(_ identifier: pthread_t?) {
            guard let identifier = unsafe identifier else { return nil }
            unsafe thread = identifier
        }

        func join() { unsafe pthread_join(thread, nil) }
        func detach() { unsafe pthread_detach(thread) }
    #else
        static var noIdentifier: pthread_t { pthread_t() }

        init?(_ identifier: pthread_t) { thread = identifier }

        func join() { pthread_join(thread, nil) }
        func detach() { pthread_detach(thread) }
    #endif
}

/// What a new thread is handed: retained by `start`, released by the thread.
private final class Launch: Sendable {
    let name: String
    let body: @Sendable () -> Void
    let ended: Latch

    init(name: String, body: @escaping @Sendable () -> Void, ended: Latch) {
        self.name = name
        self.body = body
        self.ended = ended
    }

    func run() {
        nameCurrentThread(name)
        body()
        ended.open()
    }
}

/// Gives the calling thread its name; without effect where the system has no place for one.
private func nameCurrentThread(_ name: String) {
    #if canImport(Darwin)
        unsafe pthread_setname_np(String(decoding: name.utf8.prefix(63), as: UTF8.self))
    #else
        // proc(5): a thread may write its own `comm`. The function for it, pthread_setname_np, is a
        // GNU extension that the plain Glibc module does not show.
        guard let comm = unsafe fopen("/proc/thread-self/comm", "w") else { return }
        unsafe fputs(String(decoding: name.utf8.prefix(15), as: UTF8.self), comm)
        unsafe fclose(comm)
    #endif
}

#if canImport(Darwin)
    private func runLaunch(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        unsafe Unmanaged<Launch>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
#else
    private func runLaunch(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        // `start` always passes a launch.
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Launch>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
#endif
