/// Counts what the engine does, for ``MeterReading``. Every input is O(1) and allocates nothing once
/// its durations have been seen; volatile, like all metrics.
public struct CoordinationMeter: Sendable {
    /// What belongs to one agent type, by the pool's number.
    struct TypeMeter: Sendable {
        var slots = SlotMeter()
        var work = WorkTally()
    }

    private var since: EngineTime?
    private var types: [TypeMeter] = []
    private var total = MeterReading(
        time: EngineTime(monotonicNanos: 0, wallMillis: 0),
        since: EngineTime(monotonicNanos: 0, wallMillis: 0))
    /// When each isolated instance was isolated, by the pool's number.
    private var isolatedNanos: [Int32: Int64] = [:]

    /// Has counted nothing.
    public init() {}

    /// The time of the first turn is when counting began; later ones change nothing.
    public mutating func begin(at now: EngineTime) {
        if since == nil { since = now }
    }

    // MARK: Runs

    /// A run's start is on disk.
    public mutating func runStarted() { total.runs.started += 1 }

    /// An open run of an earlier process was taken up.
    public mutating func runRecovered() { total.runs.recovered += 1 }

    /// A run's end is on disk.
    public mutating func runClosed(_ status: RunStatus, millis: Int64) {
        total.runs.ended(status)
        let (nanos, isTooLong) = millis.multipliedReportingOverflow(by: 1_000_000)
        total.runDurations.add(nanos: isTooLong ? .max : nanos)
    }

    // MARK: Work

    /// An instance of a type comes with so many slots, or leaves with them when negative.
    public mutating func slotsCame(_ count: Int, type: Int32, atNanos now: Int64) {
        require(type)
        types[Int(type)].slots.slotsCame(count, atNanos: now)
    }

    /// Work of a type was granted a slot.
    public mutating func slotTaken(type: Int32, atNanos now: Int64) {
        require(type)
        types[Int(type)].slots.slotTaken(atNanos: now)
    }

    /// A slot is free again.
    public mutating func slotFreed(type: Int32, atNanos now: Int64) {
        types[Int(type)].slots.slotFreed(atNanos: now)
    }

    /// A result was accepted.
    public mutating func finished(_ work: FinishedWork, type: Int32) {
        require(type)
        types[Int(type)].work.add(work)
        total.queue.add(nanos: work.queueNanos)
        total.execution.add(nanos: work.executionNanos)
        total.overhead.add(nanos: work.overheadNanos)
        total.communication.add(nanos: work.communicationNanos)
    }

    /// Work was given up before its result came.
    public mutating func abandoned() { total.abandoned += 1 }

    /// A result came too late or twice.
    public mutating func staleResult() { total.staleResults += 1 }

    private mutating func require(_ type: Int32) {
        while types.count <= type { types.append(TypeMeter()) }
    }

    // MARK: Failures

    /// A step that had failed before succeeded.
    public mutating func workRecovered(nanos: Int64) { total.workRecoveries.add(nanos: nanos) }

    /// An instance was isolated; again, if it had not returned in full, changes nothing.
    public mutating func agentIsolated(_ agent: Int32, atNanos now: Int64) {
        if isolatedNanos[agent] == nil { isolatedNanos[agent] = now }
    }

    /// An instance works in full again.
    public mutating func agentRestored(_ agent: Int32, atNanos now: Int64) {
        guard let began = isolatedNanos.removeValue(forKey: agent) else { return }
        total.agentRecoveries.add(nanos: now - began)
    }

    /// An instance left: its number may name another one.
    public mutating func agentLeft(_ agent: Int32) {
        if !isolatedNanos.isEmpty { isolatedNanos[agent] = nil }
    }

    /// A breaker refuses calls.
    public mutating func breakerOpened() { total.openBreakers += 1 }

    /// A breaker that refuses calls is gone, or about to be counted anew.
    public mutating func openBreakerUncounted() { total.openBreakers -= 1 }

    /// A breaker lets every call pass again.
    public mutating func breakerClosed(afterNanos nanos: Int64) {
        total.openBreakers -= 1
        total.breakerRecoveries.add(nanos: nanos)
    }

    // MARK: Ballots, commits

    /// Something about ballots.
    public mutating func noted(_ notice: ConsensusNotice) {
        switch notice {
        case .decided: total.consensus.decided += 1
        case .undecided: total.consensus.undecided += 1
        case .outcome(let isRight):
            if isRight { total.consensus.right += 1 } else { total.consensus.wrong += 1 }
        }
    }

    /// A batch is on disk.
    public mutating func committed(commands: Int, nanos: Int64) {
        total.commits.add(nanos: nanos)
        total.commands += Int64(commands)
    }

    // MARK: Reading

    /// What was counted, without the gauges, which stand in the engine, and the types.
    public func reading(at now: EngineTime) -> MeterReading {
        var reading = total
        reading.time = now
        reading.since = since ?? now
        return reading
    }

    /// What was counted of a type, without its gauges.
    public func reading(ofType type: Int32, named name: String, atNanos now: Int64)
        -> AgentTypeReading
    {
        var reading = AgentTypeReading(name: name)
        guard types.indices.contains(Int(type)) else { return reading }
        let meter = types[Int(type)]
        reading.slots = meter.slots.slots
        reading.taken = meter.slots.taken
        reading.slotNanos = meter.slots.slotNanos(atNanos: now)
        reading.takenNanos = meter.slots.takenNanos(atNanos: now)
        reading.slotChanges = meter.slots.changes
        reading.work = meter.work
        return reading
    }
}
