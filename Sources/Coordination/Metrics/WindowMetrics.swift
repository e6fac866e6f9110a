/// The numbers of one window: what two samples differ by, and how things stood at its end.
///
/// What was not measured is `nil`, never zero.
public struct WindowMetrics: Sendable, Hashable {
    /// Between which samples.
    public let start: EngineTime
    public let end: EngineTime
    /// When counting began.
    public let since: EngineTime
    /// Runs that have begun since counting began, taken up ones included.
    public let totalRuns: Int64
    /// The tallies of the window, and the gauges of its end.
    public let difference: MeterReading
    /// By agent type, with tallies of the window and gauges of its end.
    public let types: [TypeWindow]
    /// By service, likewise.
    public let calls: [ServiceCalls]

    /// What happened between two samples, the earlier one first.
    public init(from: MetricsSample, to: MetricsSample) {
        start = from.reading.time
        end = to.reading.time
        since = to.reading.since
        totalRuns = to.reading.runs.started + to.reading.runs.recovered
        difference = to.reading.since(from.reading)
        let earlier = Dictionary(
            from.reading.types.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        types = to.reading.types.map { TypeWindow(from: earlier[$0.name], to: $0) }
            .sorted { $0.reading.name < $1.reading.name }
        let before = Dictionary(
            from.calls.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
        calls = to.calls.map { $0.since(before[$0.service]) }
    }

    /// How long the window is.
    public var nanos: Int64 { end.monotonicNanos - start.monotonicNanos }
    /// How long the window is.
    public var seconds: Double { Double(nanos) / 1e9 }

    // MARK: Measures

    /// The share of the runs completed among those completed, failed or timed out.
    public var runSuccess: MeasuredShare? {
        MeasuredShare(difference.runs.completed, of: difference.runs.judged)
    }

    /// The tallies of all types together.
    public var work: WorkTally { types.reduce(WorkTally()) { $0 + $1.reading.work } }

    /// The share of the finished assignments that failed.
    public var workFailures: MeasuredShare? { MeasuredShare(work.failed, of: work.finished) }

    /// The server's share of the time between a slot's grant and the result.
    public var overheadShare: MeasuredShare? {
        let overhead = difference.overhead.sumNanos
        let whole = overhead + difference.execution.sumNanos
        guard difference.overhead.count > 0, whole > 0 else { return nil }
        return MeasuredShare(
            value: Double(overhead) / Double(whole), observations: difference.overhead.count)
    }

    /// The share of the decisions that proved right.
    public var consensusAccuracy: MeasuredShare? {
        let tally = difference.consensus
        return MeasuredShare(tally.right, of: tally.right + tally.wrong)
    }

    /// The share of the calls that failed for a reason on the server's side.
    public var callFailures: MeasuredShare? {
        MeasuredShare(
            calls.reduce(0) { $0 + $1.failed }, of: calls.reduce(0) { $0 + $1.ended })
    }

    /// Instances in the pool, and those that get no new work.
    public var instances: Int { types.reduce(0) { $0 + $1.reading.instances } }
    /// Instances in the pool that get no new work.
    public var heldInstances: Int { types.reduce(0) { $0 + $1.reading.heldInstances } }
}

/// A share that was measured: 0 to 1, of at least one observation.
public struct MeasuredShare: Sendable, Hashable {
    /// The share.
    public let value: Double
    /// Of how many observations.
    public let observations: Int64

    /// Combines the parts.
    public init(value: Double, observations: Int64) {
        self.value = value
        self.observations = observations
    }

    /// A part of a whole; `nil` of nothing.
    public init?(_ part: Int64, of whole: Int64) {
        guard whole > 0 else { return nil }
        self.init(value: Double(part) / Double(whole), observations: whole)
    }
}

extension MeterReading {
    /// The tallies since an earlier reading, with the gauges of this one and no types.
    func since(_ earlier: MeterReading) -> MeterReading {
        var result = self
        result.types = []
        result.runs = runs - earlier.runs
        result.runDurations = runDurations.since(earlier.runDurations)
        result.queue = queue.since(earlier.queue)
        result.execution = execution.since(earlier.execution)
        result.overhead = overhead.since(earlier.overhead)
        result.communication = communication.since(earlier.communication)
        result.abandoned -= earlier.abandoned
        result.staleResults -= earlier.staleResults
        result.consensus = consensus - earlier.consensus
        result.workRecoveries = workRecoveries.since(earlier.workRecoveries)
        result.agentRecoveries = agentRecoveries.since(earlier.agentRecoveries)
        result.breakerRecoveries = breakerRecoveries.since(earlier.breakerRecoveries)
        result.commits = commits.since(earlier.commits)
        result.commands -= earlier.commands
        return result
    }
}

extension ServiceCalls {
    /// The calls since an earlier look, with the open ones of this one.
    func since(_ earlier: ServiceCalls?) -> ServiceCalls {
        guard let earlier else { return self }
        return ServiceCalls(
            service: service, ended: ended - earlier.ended, failed: failed - earlier.failed,
            active: active, seconds: seconds - earlier.seconds)
    }
}
