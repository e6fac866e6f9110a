/// Decides how many in-process instances of one type there should be. Pure: it counts what was
/// asked for, came and failed; the pool of instances itself is ``AgentPool``.
///
/// Instances are made when work waits, up to the maximum, and destroyed when they did nothing for a
/// while, down to the minimum. After a failed making nothing is made for a while that doubles with
/// each failure in a row.
public struct ElasticPool: Sendable {
    /// How many there may be.
    public private(set) var policy: PoolPolicy
    /// Asked for and neither joined nor failed yet.
    public private(set) var starting = 0
    /// Instances that came, since the start.
    public private(set) var created: Int64 = 0
    /// Instances that were destroyed for being idle, since the start.
    public private(set) var retired: Int64 = 0
    /// Failed makings in a row.
    public private(set) var failures = 0
    /// What the last failed one said; empty: none, or one came since.
    public private(set) var lastFailure = ""
    /// Nothing is made before this monotonic instant.
    public private(set) var notBeforeNanos = Int64.min
    /// Ended assignments of each instance at the last look; for those that are there.
    private var seen: [Int32: Int64] = [:]

    private static let firstPauseNanos: Int64 = 1_000_000_000
    private static let longestPauseNanos: Int64 = 60_000_000_000

    /// A pool without instances.
    public init(_ policy: PoolPolicy) { self.policy = policy }

    /// Another policy holds from now on.
    public mutating func reconfigure(_ policy: PoolPolicy) { self.policy = policy }

    /// Whether an instance may come without anybody doing something.
    public var isHopeful: Bool { starting > 0 || failures == 0 }

    /// How many instances to make now; they count as asked for.
    ///
    /// - Parameters:
    ///   - alive: instances of the type that take work.
    ///   - waiting: assignments that no free slot is there for.
    public mutating func take(alive: Int, waiting: Int, atNanos now: Int64) -> Int {
        if now < notBeforeNanos { return 0 }
        let forWork = (waiting + policy.slots - 1) / policy.slots - starting
        let forMinimum = policy.minInstances - alive - starting
        let room = policy.maxInstances - alive - starting
        let count = max(0, min(room, max(forWork, forMinimum)))
        starting += count
        return count
    }

    /// An instance joined.
    public mutating func joined(_ agent: Int32) {
        starting = max(0, starting - 1)
        created += 1
        failures = 0
        lastFailure = ""
        notBeforeNanos = .min
        seen[agent] = -1
    }

    /// An instance that was asked for cannot be made.
    public mutating func failed(_ message: String, atNanos now: Int64) {
        starting = max(0, starting - 1)
        failures += 1
        lastFailure = message.prefix(bytes: 1_024)
        let doublings = min(failures - 1, 6)
        notBeforeNanos = now + min(Self.longestPauseNanos, Self.firstPauseNanos << doublings)
    }

    /// An instance is gone, for whatever reason.
    public mutating func left(_ agent: Int32) { seen[agent] = nil }

    /// Looks at every instance; call once an idle time.
    ///
    /// - Parameters:
    ///   - alive: instances of the type that take work.
    ///   - ended: how many assignments an instance has ended; `nil`: it works just now.
    /// - Returns: those to destroy: idle since the last look and beyond the minimum, or idle now and
    ///   beyond the maximum; the newest first.
    public mutating func look(alive: Int, ended: (Int32) -> Int64?) -> [Int32] {
        var spare = alive - policy.minInstances
        var excess = alive - policy.maxInstances
        var idle: [Int32] = []
        for agent in seen.keys.sorted(by: >) {
            guard let count = ended(agent) else {
                seen[agent] = -1
                continue
            }
            if excess > 0 || spare > 0 && seen[agent] == count {
                idle.append(agent)
                spare -= 1
                excess -= 1
            } else {
                seen[agent] = count
            }
        }
        retired += Int64(idle.count)
        return idle
    }
}
