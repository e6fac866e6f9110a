/// Takes instances that keep failing out of the choice for a while, and lets them back carefully.
///
///     healthy ── too many failures ──> isolated ── time over ──> canary ── all went well ──> healthy
///                                         ^                        │
///                                         └────── one failed ──────┘
///
/// Each isolation in a row is longer; healthy time shortens the next. At least one instance of a type
/// always takes work, unless its backup type has one that does: the last is spared, and when the
/// last other one leaves, an isolated one comes back early. Instances and types go by the caller's
/// small numbers. O(1) per result; choosing who comes back early looks at the type's instances.
public struct FailureIsolator: Sendable {
    struct Entry: Sendable {
        var type: Int32 = -1
        var id = AgentID("")
        var isolation = Isolation()
        /// Gathered failures as of `leakedNanos`.
        var level = 0.0
        var leakedNanos: Int64 = 0
        /// Healthy: since when. Isolated: until when, `.max` by a person without an end.
        var sinceOrUntilNanos: Int64 = 0
        /// Whether it was said already that it is spared.
        var wasSpared = false
        /// Whether it takes nothing new for another reason: it drains, or its connection is gone.
        var isAway = false
    }

    struct TypeEntry: Sendable {
        var policy = IsolationPolicy.defaults
        var members: [Int32] = []
        /// Members that are not isolated: healthy and canaries.
        var available = 0
        /// Those among them that take nothing new for another reason.
        var away = 0
        /// Members that take work.
        var working: Int { available - away }
        /// Members isolated by failures.
        var isolatedByFailures = 0
        var backup: Int32 = -1
    }

    private(set) var entries: [Entry] = []
    private(set) var types: [TypeEntry] = []
    /// Instances that left while isolated, or that an earlier process knew.
    private var absent: AbsentIsolations
    /// Ends of isolations.
    private var timers = IndexedHeap<Int32>()
    private var handles: [Int32] = []

    /// Knows nobody.
    ///
    /// - Parameter maxAbsent: how many instances that left isolated are remembered; default 10,000.
    public init(maxAbsent: Int = 10_000) { absent = AbsentIsolations(max: maxAbsent) }

    // MARK: Types

    /// The policy of a type.
    public func policy(ofType type: Int32) -> IsolationPolicy {
        types.indices.contains(Int(type)) ? types[Int(type)].policy : .defaults
    }

    /// Sets the policy of a type. What is isolated stays so for the time it was given; but when a
    /// backup type goes, an instance may have to come back early.
    ///
    /// - Parameter backup: the number of ``IsolationPolicy/backupType``; -1: none.
    public mutating func policyChanged(
        ofType type: Int32, to policy: IsolationPolicy, backup: Int32, at now: EngineTime
    ) -> [IsolationChange] {
        require(type)
        types[Int(type)].policy = policy
        types[Int(type)].backup = backup
        return keepOne(type, at: now)
    }

    /// Instances of a type that take work.
    public func workingCount(type: Int32) -> Int {
        types.indices.contains(Int(type)) ? types[Int(type)].working : 0
    }

    /// Instances of a type that are isolated.
    public func isolatedCount(ofType type: Int32) -> Int {
        guard types.indices.contains(Int(type)) else { return 0 }
        return types[Int(type)].members.count - types[Int(type)].available
    }

    /// Whether the work of a type should go to its backup: it has instances, and none takes work.
    public func needsBackup(_ type: Int32) -> Int32? {
        guard types.indices.contains(Int(type)) else { return nil }
        let entry = types[Int(type)]
        guard entry.working == 0, !entry.members.isEmpty, entry.backup >= 0 else { return nil }
        return workingCount(type: entry.backup) > 0 ? entry.backup : nil
    }

    // MARK: Instances

    /// An instance joins, as it left if it is known.
    public mutating func joined(
        _ agent: Int32, id: AgentID, type: Int32, at now: EngineTime
    ) -> [IsolationChange] {
        require(type)
        while entries.count <= agent {
            entries.append(Entry())
            handles.append(-1)
        }
        var entry = Entry(type: type, id: id)
        entry.leakedNanos = now.monotonicNanos
        entry.sinceOrUntilNanos = now.monotonicNanos
        entries[Int(agent)] = entry
        types[Int(type)].members.append(agent)
        types[Int(type)].available += 1
        guard let known = absent.take(id) else { return [] }
        return resume(agent, known, at: now)
    }

    /// An instance leaves. If nobody of its type is left to work, an isolated one comes back.
    public mutating func left(_ agent: Int32, at now: EngineTime) -> [IsolationChange] {
        guard isKnown(agent) else { return [] }
        let entry = entries[Int(agent)]
        let type = Int(entry.type)
        if entry.isolation.state == .isolated {
            absent.keep(entry.isolation, of: entry.id, at: now)
            if entry.isolation.actor.isEmpty { types[type].isolatedByFailures -= 1 }
        } else {
            types[type].available -= 1
            if entry.isAway { types[type].away -= 1 }
        }
        disarm(agent)
        types[type].members.removeAll { $0 == agent }
        entries[Int(agent)] = Entry()
        return keepOne(entry.type, at: now) + keepDependents(entry.type, at: now)
    }

    /// An instance takes nothing new for a while, because it drains or its connection is gone; or
    /// it does again. If nobody of its type is left to work, an isolated one comes back: also this
    /// one, when it is there again.
    public mutating func wentAway(
        _ agent: Int32, _ isAway: Bool, at now: EngineTime
    ) -> [IsolationChange] {
        guard isKnown(agent), entries[Int(agent)].isAway != isAway else { return [] }
        let entry = entries[Int(agent)]
        entries[Int(agent)].isAway = isAway
        if entry.isolation.state == .isolated {
            return isAway ? [] : keepOne(entry.type, at: now)
        }
        types[Int(entry.type)].away += isAway ? 1 : -1
        if !isAway { return [] }
        return keepOne(entry.type, at: now) + keepDependents(entry.type, at: now)
    }

    /// What is known of an instance; `nil`: it has not joined.
    public func isolation(of agent: Int32) -> Isolation? {
        isKnown(agent) ? entries[Int(agent)].isolation : nil
    }

    // MARK: Results

    /// An instance did its work well.
    public mutating func succeeded(_ agent: Int32, at now: EngineTime) -> IsolationChange? {
        guard isKnown(agent) else { return nil }
        entries[Int(agent)].isolation.consecutiveFailures = 0
        entries[Int(agent)].wasSpared = false
        guard entries[Int(agent)].isolation.state == .canary else { return nil }
        entries[Int(agent)].isolation.canariesLeft -= 1
        return entries[Int(agent)].isolation.canariesLeft > 0 ? nil : recover(agent, at: now)
    }

    /// An instance failed, by a fault that is its own (``IsolationPolicy/blames(_:)``).
    public mutating func failed(
        _ agent: Int32, at now: EngineTime, random: UInt64
    ) throws(IsolationRefusal) -> [IsolationChange] {
        guard isKnown(agent) else { throw .unknownAgent }
        let place = Int(agent)
        let policy = types[Int(entries[place].type)].policy
        entries[place].isolation.consecutiveFailures += 1
        gather(place, policy, now)
        switch entries[place].isolation.state {
        case .isolated: return []
        case .canary:
            entries[place].isolation.canariesLeft = max(1, policy.canaries)
            return tryToIsolate(agent, "failed as a canary", at: now, random: random)
        case .healthy:
            guard let reason = brokenRule(place, policy) else { return [] }
            return tryToIsolate(agent, reason, at: now, random: random)
        }
    }

    // MARK: People

    /// Isolates an instance on somebody's word, until `untilMillis` or until restored.
    public mutating func isolate(
        _ agent: Int32, reason: String, actor: String, untilMillis: Int64?, at now: EngineTime
    ) throws(IsolationRefusal) -> [IsolationChange] {
        guard isKnown(agent) else { throw .unknownAgent }
        if entries[Int(agent)].isolation.state != .isolated, isLast(agent) { throw .lastInstance }
        enterIsolation(agent, reason: reason, actor: actor, untilMillis: untilMillis, at: now)
        return [IsolationChange(agent: agent, kind: .isolated)]
            + keepDependents(entries[Int(agent)].type, at: now)
    }

    /// Gives an instance its full load at once; `nil`: it has it.
    public mutating func restore(
        _ agent: Int32, at now: EngineTime
    ) throws(IsolationRefusal) -> IsolationChange? {
        guard isKnown(agent) else { throw .unknownAgent }
        entries[Int(agent)].isolation.consecutiveFailures = 0
        entries[Int(agent)].level = 0
        if entries[Int(agent)].isolation.state == .healthy { return nil }
        entries[Int(agent)].isolation.streak = 0
        return recover(agent, at: now)
    }

    // MARK: Time

    /// When ``timeReached(_:)`` has something to do; `nil`: never.
    public var nextDeadlineNanos: Int64? {
        guard let forgets = absent.nextDeadlineNanos else { return timers.smallestKey }
        return min(forgets, timers.smallestKey ?? .max)
    }

    /// Instances whose isolation is over become canaries; those that have been away for too long are
    /// forgotten.
    public mutating func timeReached(_ now: EngineTime) -> [IsolationChange] {
        absent.timeReached(now)
        var changes: [IsolationChange] = []
        while let agent = timers.popFirst(upTo: now.monotonicNanos) {
            handles[Int(agent)] = -1
            changes.append(beginCanary(agent, at: now))
        }
        return changes
    }

    // MARK: Absent instances

    /// An isolation that an earlier process left; its instance comes back later.
    public mutating func remember(_ isolation: Isolation, of id: AgentID, at now: EngineTime) {
        absent.keep(isolation, of: id, at: now)
    }

    /// What is known of an instance that is not here.
    public func absentIsolation(of id: AgentID) -> Isolation? { absent[id] }

    /// Absent instances that are not remembered any more, since this was asked last: a day after the
    /// end of their isolation, or because there are too many.
    public mutating func takeForgotten() -> [AgentID] { absent.takeForgotten() }
}

// MARK: Steps

extension FailureIsolator {
    private func isKnown(_ agent: Int32) -> Bool {
        entries.indices.contains(Int(agent)) && entries[Int(agent)].type >= 0
    }

    private mutating func require(_ type: Int32) {
        while types.count <= type { types.append(TypeEntry()) }
    }

    private mutating func gather(_ place: Int, _ policy: IsolationPolicy, _ now: EngineTime) {
        guard let limit = policy.windowFailures else { return }
        let passed = Double(max(0, now.monotonicNanos - entries[place].leakedNanos)) / 1_000_000
        let leaked = passed * Double(limit) / Double(policy.windowMillis)
        entries[place].level = max(0, entries[place].level - leaked) + 1
        entries[place].leakedNanos = now.monotonicNanos
    }

    private func brokenRule(_ place: Int, _ policy: IsolationPolicy) -> String? {
        let entry = entries[place]
        if let limit = policy.consecutiveFailures, entry.isolation.consecutiveFailures >= limit {
            return "\(entry.isolation.consecutiveFailures) failures in a row"
        }
        // The sum is not exact; half a failure is far more than it can be off.
        if let limit = policy.windowFailures, entry.level > Double(limit) - 0.5 {
            return "\(limit) failures within \(policy.windowMillis) ms"
        }
        return nil
    }

    /// Whether no other instance would be left to work, nor one of the backup type.
    private func isLast(_ agent: Int32) -> Bool {
        let entry = entries[Int(agent)]
        let type = types[Int(entry.type)]
        let isWorking = entry.isolation.state != .isolated && !entry.isAway
        if type.working > (isWorking ? 1 : 0) { return false }
        return type.backup < 0 || workingCount(type: type.backup) == 0
    }

    private mutating func tryToIsolate(
        _ agent: Int32, _ reason: String, at now: EngineTime, random: UInt64
    ) -> [IsolationChange] {
        let place = Int(agent)
        let type = types[Int(entries[place].type)]
        let isTooMany = type.isolatedByFailures >= type.policy.isolable(of: type.members.count)
        if isLast(agent) || isTooMany {
            if entries[place].wasSpared { return [] }
            entries[place].wasSpared = true
            let refusal = isLast(agent) ? IsolationRefusal.lastInstance : .poolShare
            return [IsolationChange(agent: agent, kind: .spared(refusal))]
        }
        if entries[place].isolation.state == .healthy {
            let peace = max(0, now.monotonicNanos - entries[place].sinceOrUntilNanos) / 1_000_000
            let forgotten = Int(clamping: peace / type.policy.healthyMillis)
            entries[place].isolation.streak = max(0, entries[place].isolation.streak - forgotten)
        }
        entries[place].isolation.streak += 1
        let wait = type.policy.backoff.delayMillis(
            times: entries[place].isolation.streak, random: random)
        enterIsolation(
            agent, reason: reason, actor: "", untilMillis: now.wallMillis + wait, at: now)
        return [IsolationChange(agent: agent, kind: .isolated)]
            + keepDependents(entries[place].type, at: now)
    }

    private mutating func enterIsolation(
        _ agent: Int32, reason: String, actor: String, untilMillis: Int64?, at now: EngineTime
    ) {
        let place = Int(agent)
        leaveIsolation(agent)
        let type = Int(entries[place].type)
        types[type].available -= 1
        if entries[place].isAway { types[type].away -= 1 }
        if actor.isEmpty { types[type].isolatedByFailures += 1 }
        entries[place].isolation.state = .isolated
        entries[place].isolation.reason = reason
        entries[place].isolation.actor = actor
        entries[place].isolation.sinceMillis = now.wallMillis
        entries[place].isolation.untilMillis = untilMillis
        entries[place].isolation.total += 1
        entries[place].wasSpared = false
        arm(agent, at: now)
    }

    /// Counts it among those who work; what it is next, the caller says.
    private mutating func leaveIsolation(_ agent: Int32) {
        let place = Int(agent)
        guard entries[place].isolation.state == .isolated else { return }
        disarm(agent)
        let type = Int(entries[place].type)
        types[type].available += 1
        if entries[place].isAway { types[type].away += 1 }
        if entries[place].isolation.actor.isEmpty { types[type].isolatedByFailures -= 1 }
        entries[place].isolation.untilMillis = nil
    }

    private mutating func beginCanary(_ agent: Int32, at now: EngineTime) -> IsolationChange {
        let place = Int(agent)
        leaveIsolation(agent)
        let canaries = types[Int(entries[place].type)].policy.canaries
        if canaries == 0 { return recover(agent, at: now) }
        entries[place].isolation.state = .canary
        entries[place].isolation.canariesLeft = canaries
        entries[place].isolation.consecutiveFailures = 0
        entries[place].level = 0
        return IsolationChange(agent: agent, kind: .canary)
    }

    private mutating func recover(_ agent: Int32, at now: EngineTime) -> IsolationChange {
        let place = Int(agent)
        leaveIsolation(agent)
        entries[place].isolation.state = .healthy
        entries[place].isolation.canariesLeft = 0
        entries[place].isolation.consecutiveFailures = 0
        entries[place].level = 0
        entries[place].sinceOrUntilNanos = now.monotonicNanos
        return IsolationChange(agent: agent, kind: .restored)
    }

    /// Somebody of the type must take work, or its backup: the one isolated by failures whose time
    /// is over first comes back early.
    private mutating func keepOne(_ type: Int32, at now: EngineTime) -> [IsolationChange] {
        let entry = types[Int(type)]
        guard entry.working == 0 else { return [] }
        if entry.backup >= 0, workingCount(type: entry.backup) > 0 { return [] }
        let candidates = entry.members.filter {
            entries[Int($0)].isolation.state == .isolated && !entries[Int($0)].isAway
                && entries[Int($0)].isolation.actor.isEmpty
        }
        let next = candidates.min {
            entries[Int($0)].sinceOrUntilNanos < entries[Int($1)].sinceOrUntilNanos
        }
        return next.map { [beginCanary($0, at: now)] } ?? []
    }

    /// The types that have this one for a backup.
    private mutating func keepDependents(_ type: Int32, at now: EngineTime) -> [IsolationChange] {
        guard workingCount(type: type) == 0 else { return [] }
        return types.indices.filter { types[$0].backup == type }
            .flatMap { keepOne(Int32($0), at: now) }
    }

    private mutating func resume(
        _ agent: Int32, _ known: Isolation, at now: EngineTime
    ) -> [IsolationChange] {
        entries[Int(agent)].isolation = known
        entries[Int(agent)].isolation.state = .healthy
        if let until = known.untilMillis, until <= now.wallMillis {
            return [beginCanary(agent, at: now)]
        }
        if known.actor.isEmpty, isLast(agent) { return [beginCanary(agent, at: now)] }
        enterIsolation(
            agent, reason: known.reason, actor: known.actor, untilMillis: known.untilMillis,
            at: now)
        entries[Int(agent)].isolation.total = known.total
        entries[Int(agent)].isolation.sinceMillis = known.sinceMillis
        return [IsolationChange(agent: agent, kind: .isolated)]
    }

    private mutating func arm(_ agent: Int32, at now: EngineTime) {
        let place = Int(agent)
        let until = entries[place].isolation.untilMillis.map { now.nanos(atWallMillis: $0) }
        entries[place].sinceOrUntilNanos = until ?? .max
        if let until { handles[place] = timers.insert(agent, key: until) }
    }

    private mutating func disarm(_ agent: Int32) {
        if handles[Int(agent)] >= 0 { timers.remove(handles[Int(agent)]) }
        handles[Int(agent)] = -1
    }
}
