#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the process does about a signal that nobody has taken over.
public enum SignalDisposition {
    /// Whether the process ignores a signal, as `nohup` has the programs that it starts do with
    /// SIGHUP. A program that takes such a signal over all the same ends with the terminal that it
    /// was to outlive.
    ///
    /// Call it before other threads are told of signals: it looks by setting and restoring.
    public static func isIgnored(_ number: Int32) -> Bool {
        let before = signal(number, SIG_IGN)
        // Handlers are compared as addresses: the two special ones are small numbers (signal(2)).
        let address = unsafe unsafeBitCast(before, to: Int.self)
        let ignoring = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
        if address != ignoring { _ = signal(number, before) }
        return address == ignoring
    }
}
