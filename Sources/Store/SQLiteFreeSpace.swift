#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif
import Threads

/// How much is free on the disk under a directory, looked at no more than a few times a second.
///
/// Any thread may ask; an answer may be a quarter of a second old.
final class SQLiteFreeSpace: Sendable {
    private let path: String
    private let mark: Int64
    private let latest = Locked(Reading())

    private struct Reading: Sendable {
        var takenAtNanos: Int64?
        var freeBytes: Int64?
    }

    /// How long a reading serves: short beside the time a disk takes to fill by the mark.
    private static let readingLastsNanos: Int64 = 250_000_000

    /// - Parameter mark: free bytes below which space is low.
    init(path: String, mark: Int64) {
        self.path = path
        self.mark = mark
    }

    /// Whether fewer bytes than the mark are free for this user.
    var isLow: Bool { freeBytes.map { $0 < mark } ?? false }

    /// Free bytes for this user; `nil` when the system does not say, as some network disks do not.
    var freeBytes: Int64? {
        let now = SystemClock.monotonicNanos()
        return latest.withLock { latest in
            if let taken = latest.takenAtNanos, now - taken < Self.readingLastsNanos {
                return latest.freeBytes
            }
            latest = Reading(takenAtNanos: now, freeBytes: readFreeBytes())
            return latest.freeBytes
        }
    }

    private func readFreeBytes() -> Int64? {
        var answer = statvfs()
        guard unsafe statvfs(path, &answer) == 0 else { return nil }
        let (bytes, isTooLarge) = Int64(answer.f_bavail)
            .multipliedReportingOverflow(by: Int64(answer.f_frsize))
        return isTooLarge ? .max : bytes
    }
}
