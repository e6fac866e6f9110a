#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How many files and sockets the process may have open at once (`RLIMIT_NOFILE`, getrlimit(2)).
public enum DescriptorLimit {
    /// More than any bound of ours asks for.
    private static let wanted: rlim_t = 65_536

    /// Raises the limit as far as the process may without privileges, up to 65,536, and gives what
    /// holds then. Shells and service managers mostly start programs with 1,024, however many they
    /// may have.
    ///
    /// Call it once at the start of the process.
    public static func raise() -> Int {
        var limit = current
        let aim = min(limit.rlim_max, wanted)
        if limit.rlim_cur < aim {
            limit.rlim_cur = aim
            // Refused by systems with a lower bound of their own; then all stays as it was.
            _ = unsafe setrlimit(kind, &limit)
        }
        return Int(clamping: current.rlim_cur)
    }

    private static var current: rlimit {
        var limit = rlimit()
        // Fails only for an unknown kind or a bad pointer; both are constants here.
        _ = unsafe getrlimit(kind, &limit)
        return limit
    }

    #if canImport(Glibc)
        private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let kind = RLIMIT_NOFILE
    #endif
}
