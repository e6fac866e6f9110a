/// How the whole of a namespace works now. The numbers are fixed for dashboards and stored rows.
public enum OperatingMode: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case normal = 0
    /// Much is open: what can wait should.
    case degraded = 1
    /// Something critical is open: only what brings the system home should run.
    case emergency = 2

    /// Milder comes before worse.
    public static func < (a: OperatingMode, b: OperatingMode) -> Bool { a.rawValue < b.rawValue }

    /// The next milder one.
    var milder: OperatingMode { self == .emergency ? .degraded : .normal }
}

/// When the mode changes by itself.
public struct ModePolicy: Sendable, Hashable {
    /// High-severity breakers open at once that degrade the system, 1 to 100. Default 2.
    public var degradedAtHigh: Int
    /// High-severity breakers that may still be open when it becomes normal again, less than
    /// ``degradedAtHigh``. Default 0.
    public var normalAtHigh: Int
    /// The shortest stay in a mode before a milder one, milliseconds. Default 30,000.
    public var dwellMillis: Int64
    /// How long all must have been calm enough for the milder mode, milliseconds. Default 10,000.
    public var calmMillis: Int64

    /// Combines the parts; see each for its default.
    public init(
        degradedAtHigh: Int = 2, normalAtHigh: Int = 0, dwellMillis: Int64 = 30_000,
        calmMillis: Int64 = 10_000
    ) {
        self.degradedAtHigh = degradedAtHigh
        self.normalAtHigh = normalAtHigh
        self.dwellMillis = dwellMillis
        self.calmMillis = calmMillis
    }

    /// Two high ones degrade, none is left when it ends, 30 s at least, 10 s calm.
    public static let defaults = ModePolicy()

    /// Everything that is wrong with it; fields are named as in the API.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        check.range("policy.degraded_at_high", degradedAtHigh, 1...100)
        check.range("policy.normal_at_high", normalAtHigh, 0...max(0, min(degradedAtHigh - 1, 99)))
        check.millis("policy.dwell_millis", dwellMillis, 0...86_400_000)
        check.millis("policy.calm_millis", calmMillis, 0...86_400_000)
        return check.faults
    }
}

/// A person's decision on the mode.
public struct ModeOverride: Sendable, Hashable {
    /// What it is to be.
    public var mode: OperatingMode
    /// Why, in the person's words.
    public var reason: String
    /// Who did it.
    public var actor: String
    /// When it began, milliseconds since 1970.
    public var sinceMillis: Int64
    /// When it ends, milliseconds since 1970; `nil`: when somebody ends it.
    public var untilMillis: Int64?

    /// Combines the parts.
    public init(
        mode: OperatingMode, reason: String, actor: String, sinceMillis: Int64, untilMillis: Int64?
    ) {
        self.mode = mode
        self.reason = reason
        self.actor = actor
        self.sinceMillis = sinceMillis
        self.untilMillis = untilMillis
    }
}
