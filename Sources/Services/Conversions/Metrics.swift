import Coordination
import Messages

extension Messages.CoordinationMetrics {
    /// - Parameter now: the clocks, by which the window's instants are shown.
    init(_ metrics: WindowMetrics, now: EngineTime) {
        self.init()
        let difference = metrics.difference
        window = MetricsWindow(
            startUnixMillis: metrics.start.shownMillis(at: now),
            endUnixMillis: metrics.end.shownMillis(at: now),
            countingSinceUnixMillis: metrics.since.shownMillis(at: now))
        workflows = WorkflowMetrics(metrics)
        work = WorkMetrics(metrics)
        agentTypes = metrics.types.map(AgentTypeMetrics.init)
        overhead = CoordinationOverhead(
            duration: DurationSummary(difference.overhead),
            share: Measure(metrics.overheadShare))
        communicationLatency = DurationSummary(difference.communication)
        consensus = ConsensusMetrics(
            decided: difference.consensus.decided, undecided: difference.consensus.undecided,
            accuracy: Measure(metrics.consensusAccuracy))
        recovery = FailureRecovery(
            work: DurationSummary(difference.workRecoveries),
            agents: DurationSummary(difference.agentRecoveries),
            breakers: DurationSummary(difference.breakerRecoveries))
        breakers = BreakerMetrics(
            total: Int32(clamping: difference.breakers),
            open: Int32(clamping: difference.openBreakers),
            degradedNamespaces: Int32(clamping: difference.degraded),
            emergencyNamespaces: Int32(clamping: difference.emergencies))
        store = StoreMetrics(
            commits: difference.commits.count, commands: difference.commands,
            duration: DurationSummary(difference.commits), backlog: difference.backlog)
        services = metrics.calls.map(ServiceMetrics.init)
    }
}

extension WorkflowMetrics {
    fileprivate init(_ metrics: WindowMetrics) {
        self.init()
        let runs = metrics.difference.runs
        total = metrics.totalRuns
        active = metrics.difference.activeRuns
        started = runs.started
        completed = runs.completed
        failed = runs.failed
        timedOut = runs.timedOut
        cancelled = runs.cancelled
        terminated = runs.terminated
        otherwiseEnded = runs.otherwiseEnded
        duration = DurationSummary(metrics.difference.runDurations)
        success = Measure(metrics.runSuccess)
    }
}

extension WorkMetrics {
    fileprivate init(_ metrics: WindowMetrics) {
        self.init()
        finished = metrics.work.finished
        failed = metrics.work.failed
        abandoned = metrics.difference.abandoned
        queueTime = DurationSummary(metrics.difference.queue)
        executionTime = DurationSummary(metrics.difference.execution)
        failureShare = Measure(metrics.workFailures)
        waiting = metrics.difference.waiting
        staleResults = metrics.difference.staleResults
    }
}

extension AgentTypeMetrics {
    fileprivate init(_ type: TypeWindow) {
        self.init()
        let reading = type.reading
        agentType = reading.name
        instances = Int32(clamping: reading.instances)
        heldInstances = Int32(clamping: reading.heldInstances)
        slots = reading.slots
        slotsTaken = reading.taken
        waiting = reading.waiting
        utilization = Measure(type.utilization)
        finished = reading.work.finished
        failed = reading.work.failed
        meanQueueMicros = (type.mean(\.queueNanos) ?? 0) / 1_000
        meanExecutionMicros = (type.mean(\.executionNanos) ?? 0) / 1_000
        meanOverheadMicros = (type.mean(\.overheadNanos) ?? 0) / 1_000
        meanCommunicationMicros = (type.mean(\.communicationNanos) ?? 0) / 1_000
    }
}

extension ServiceMetrics {
    fileprivate init(_ calls: ServiceCalls) {
        self.init()
        service = calls.service
        self.calls = calls.ended
        failed = calls.failed
        active = calls.active
        if calls.ended > 0 {
            meanSeconds = Measure(
                value: calls.seconds / Double(calls.ended), observations: calls.ended)
        }
    }
}

extension DurationSummary {
    /// `nil`: there were none.
    init?(_ tally: DurationTally) {
        guard let mean = tally.meanNanos else { return nil }
        self.init()
        count = tally.count
        meanMicros = mean / 1_000
        p50Micros = tally.percentileMicros(0.5) ?? 0
        p95Micros = tally.percentileMicros(0.95) ?? 0
        p99Micros = tally.percentileMicros(0.99) ?? 0
    }
}

extension Measure {
    /// `nil`: nothing was measured.
    init?(_ share: MeasuredShare?) {
        guard let share else { return nil }
        self.init(value: share.value, observations: share.observations)
    }
}
