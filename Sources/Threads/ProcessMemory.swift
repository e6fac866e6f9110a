#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How the process gives memory back.
public enum ProcessMemory {
    /// Blocks of at least this many bytes are mapped by themselves: payloads, rarely anything else.
    private static let largeBlockBytes: Int32 = 256 << 10
    /// `M_MMAP_THRESHOLD` of glibc's `malloc.h`, which Swift's module of glibc leaves out.
    private static let mapThreshold: Int32 = -3

    /// Has the memory of large blocks return to the system as soon as they are freed.
    ///
    /// Left alone, glibc raises its limit for such blocks with the first one that is freed, and puts
    /// later ones among the small ones: what a busy minute had in payloads would be held on to for
    /// as long as the process lives. Other systems' allocators have no such setting: nothing is done.
    public static func returnLargeBlocks() {
        guard let found = unsafe dlsym(nil, "mallopt") else { return }
        typealias Mallopt = @convention(c) (Int32, Int32) -> Int32
        let mallopt = unsafe unsafeBitCast(found, to: Mallopt.self)
        // It can only fail for a number out of range, and then all stays as it was.
        _ = mallopt(mapThreshold, largeBlockBytes)
    }
}
