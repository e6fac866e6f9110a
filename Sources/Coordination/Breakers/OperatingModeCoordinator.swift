/// Makes one mode of many breakers: worse at once, better only step by step.
///
/// One critical breaker open is an emergency; two high ones (``ModePolicy``) degrade. A milder mode
/// comes one step at a time, when the present one has lasted its dwell and all has been calm enough
/// for the calm time, so that an emergency never becomes normal without having been degraded.
/// After an emergency, degraded lasts until no high one is open at all.
///
/// An override shows another mode while this one goes on underneath. When it ends, what is
/// underneath shows again; but from a forced emergency the way also leads through degraded while a
/// high one is open.
public struct OperatingModeCoordinator: Sendable {
    /// When it changes.
    public private(set) var policy: ModePolicy
    /// What the breakers make of it, without the override.
    public private(set) var automatic = OperatingMode.normal
    /// What is forced, if anything.
    public private(set) var override: ModeOverride?
    /// When ``mode`` last changed, milliseconds since 1970.
    public private(set) var changedMillis: Int64
    /// Tripped breakers (open, half-open, forced open) of the two severities that count.
    public private(set) var openCritical = 0
    public private(set) var openHigh = 0

    private var enteredNanos: Int64
    /// Since when it could be milder; `nil`: it could not.
    private var calmSinceNanos: Int64?
    private var wasEmergency = false
    /// Whether the counts are those of this process; until then nothing is concluded from them.
    private var knowsCounts = true

    /// Normal, with nothing open.
    public init(_ policy: ModePolicy = .defaults, at now: EngineTime) {
        self.policy = policy
        changedMillis = now.wallMillis
        enteredNanos = now.monotonicNanos
    }

    /// What everybody works by.
    public var mode: OperatingMode { override?.mode ?? automatic }

    /// Says how many tripped breakers there are now.
    ///
    /// - Returns: whether ``mode`` is another one now.
    @discardableResult
    public mutating func breakersChanged(
        openCritical: Int, openHigh: Int, at now: EngineTime
    ) -> Bool {
        watched(at: now) {
            if $0.knowsCounts { $0.settle(at: now) }
            $0.knowsCounts = true
            $0.openCritical = openCritical
            $0.openHigh = openHigh
            $0.settle(at: now)
        }
    }

    /// Does what is due: an override ends, a dwell is over; whether ``mode`` changed.
    @discardableResult
    public mutating func timeReached(_ now: EngineTime) -> Bool {
        watched(at: now) { $0.settle(at: now) }
    }

    /// Shows another mode, in place of an override that may be there; whether ``mode`` changed.
    @discardableResult
    public mutating func forced(_ new: ModeOverride, at now: EngineTime) -> Bool {
        watched(at: now) {
            $0.settle(at: now)
            if $0.override != nil { $0.endOverrideNow(at: now) }
            $0.override = new
        }
    }

    /// Ends an override; whether ``mode`` changed.
    @discardableResult
    public mutating func endOverride(at now: EngineTime) -> Bool {
        watched(at: now) {
            $0.settle(at: now)
            $0.endOverrideNow(at: now)
        }
    }

    /// Takes another policy; whether ``mode`` changed.
    @discardableResult
    public mutating func reconfigure(_ new: ModePolicy, at now: EngineTime) -> Bool {
        watched(at: now) {
            $0.policy = new
            $0.settle(at: now)
        }
    }

    /// When ``timeReached(_:)`` may have something to do, as a monotonic instant; `nil`: never.
    public func nextDeadlineNanos(at now: EngineTime) -> Int64? {
        let overrideEnd = override?.untilMillis.map { now.nanos(atWallMillis: $0) }
        let step = calmSinceNanos.map { milderAtNanos(calmSince: $0) }
        guard let overrideEnd, let step else { return overrideEnd ?? step }
        return min(overrideEnd, step)
    }

    // MARK: Private

    private mutating func watched(
        at now: EngineTime, _ change: (inout OperatingModeCoordinator) -> Void
    ) -> Bool {
        let before = mode
        change(&self)
        if mode == before { return false }
        changedMillis = now.wallMillis
        return true
    }

    private mutating func settle(at now: EngineTime) {
        if let until = override?.untilMillis, until <= now.wallMillis { endOverrideNow(at: now) }
        let wanted = demanded
        if wanted > automatic { return enter(wanted, at: now) }
        guard mayBeMilder else {
            calmSinceNanos = nil
            return
        }
        let calm = calmSinceNanos ?? now.monotonicNanos
        calmSinceNanos = calm
        if milderAtNanos(calmSince: calm) <= now.monotonicNanos {
            enter(automatic.milder, at: now)
            if mayBeMilder { calmSinceNanos = now.monotonicNanos }
        }
    }

    /// The mode that what is open asks for at once.
    private var demanded: OperatingMode {
        if openCritical > 0 { return .emergency }
        return openHigh >= policy.degradedAtHigh ? .degraded : .normal
    }

    private var mayBeMilder: Bool {
        switch automatic {
        case .normal: false
        case .emergency: openCritical == 0
        case .degraded: openHigh <= (wasEmergency ? 0 : policy.normalAtHigh)
        }
    }

    private func milderAtNanos(calmSince: Int64) -> Int64 {
        let entered = EngineTime(monotonicNanos: enteredNanos, wallMillis: 0)
        let calm = EngineTime(monotonicNanos: calmSince, wallMillis: 0)
        return max(
            entered.nanos(inMillis: policy.dwellMillis), calm.nanos(inMillis: policy.calmMillis))
    }

    private mutating func enter(_ new: OperatingMode, at now: EngineTime) {
        if new == .emergency { wasEmergency = true }
        if new == .normal { wasEmergency = false }
        automatic = new
        enteredNanos = now.monotonicNanos
        calmSinceNanos = nil
    }

    private mutating func endOverrideNow(at now: EngineTime) {
        guard let ended = override else { return }
        override = nil
        guard ended.mode == .emergency, automatic == .normal, openHigh > 0 else { return }
        wasEmergency = true
        enter(.degraded, at: now)
    }

    // MARK: Restart

    /// What to store of it.
    public var stored: StoredMode {
        StoredMode(
            automatic: automatic, override: override, changedMillis: changedMillis,
            wasEmergency: wasEmergency)
    }

    /// The mode that an earlier process left; its dwell begins anew. Say next how many breakers are
    /// tripped: an override that ended meanwhile is looked at with that.
    public init(_ policy: ModePolicy, stored: StoredMode, at now: EngineTime) {
        self.init(policy, at: now)
        automatic = stored.automatic
        override = stored.override
        changedMillis = stored.changedMillis
        wasEmergency = stored.wasEmergency
        knowsCounts = false
    }
}

/// What of the mode outlives its process.
public struct StoredMode: Sendable, Hashable {
    var automatic: OperatingMode
    var override: ModeOverride?
    var changedMillis: Int64
    var wasEmergency: Bool
}
