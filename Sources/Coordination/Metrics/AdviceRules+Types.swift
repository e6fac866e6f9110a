/// The rules about one agent type, and what all rules share.
extension AdviceRules {
    func poolSaturated(_ type: TypeWindow) -> Advice? {
        let work = type.reading.work
        guard let use = type.utilization, use.value > 0.85,
            work.finished >= Self.leastObservations, let queue = type.mean(\.queueNanos),
            let execution = type.mean(\.executionNanos), queue * 10 > execution
        else { return nil }
        let name = type.reading.name
        return Advice(
            .poolSaturated, use.value > 0.97 && queue > execution ? .critical : .warning,
            agentType: name,
            "Give agent type \(name) more instances or slots, or let its callers start less.",
            [
                evidence(
                    .utilization, use.value, against: 0.85, of: use.observations, agentType: name,
                    "\(Self.percent(use.value)) of its slot time was taken"),
                evidence(
                    .queueTime, Double(queue) / 1e9, against: Double(execution) / 1e10,
                    of: work.finished, agentType: name,
                    "work waited \(Self.short(Double(queue) / 1e9)) s for a slot and ran "
                        + "\(Self.short(Double(execution) / 1e9)) s"),
            ])
    }

    func workFailing(_ type: TypeWindow) -> Advice? {
        guard let share = type.failures, share.observations >= Self.leastObservations,
            share.value > 0.1
        else { return nil }
        let name = type.reading.name
        return Advice(
            .workFailing, share.value > 0.5 ? .critical : .warning, agentType: name,
            "Find out why agent type \(name) fails: its failures' types and messages stand in the "
                + "histories of the runs.",
            [
                evidence(
                    .workFailures, share.value, against: 0.1, of: share.observations,
                    agentType: name,
                    "\(type.reading.work.failed) of \(share.observations) assignments failed")
            ])
    }

    func queueGrowing(_ type: TypeWindow) -> Advice? {
        let name = type.reading.name
        guard type.reading.waiting > 0, let trend = rising(.waitingWork, name) else { return nil }
        return Advice(
            .queueGrowing, .warning, agentType: name,
            "Agent type \(name) gets more work than it does. Give it more instances or slots.",
            [
                slope(
                    trend,
                    "\(type.reading.waiting) pieces of work wait, rising by "
                        + "\(Self.short(trend.line.slope)) an hour")
            ])
    }

    func agentsHeld(_ type: TypeWindow) -> Advice? {
        let held = type.reading.heldInstances
        let instances = type.reading.instances
        guard held > 0, instances > 0 else { return nil }
        let name = type.reading.name
        return Advice(
            .agentsHeld, held == instances ? .critical : held * 3 > instances ? .warning : .info,
            agentType: name,
            "See with ListAgents which instances of \(name) are isolated, leaving or without a "
                + "connection, and why.",
            [
                evidence(
                    .heldInstances, Double(held), against: 1, of: Int64(instances),
                    agentType: name,
                    "\(held) of \(instances) instances get no new work")
            ])
    }

    // MARK: Evidence

    /// A trend that rises for sure, by enough of its mean to matter.
    func rising(_ series: TrackedSeries, _ type: String = "") -> MetricTrend? {
        guard
            let trend = trends.first(where: { $0.series == series && $0.agentType == type }),
            trend.direction == .rising,
            trend.line.slope * window.seconds / 3_600 > Self.leastRise * abs(trend.line.mean)
        else { return nil }
        return trend
    }

    func slope(_ trend: MetricTrend, _ text: String) -> Advice.Evidence {
        Advice.Evidence(
            series: trend.series, agentType: trend.agentType, observed: trend.line.slope,
            threshold: Self.leastRise * abs(trend.line.mean) * 3_600 / max(window.seconds, 1),
            observations: Int64(trend.line.points), isSlope: true, text: text)
    }

    func evidence(
        _ series: TrackedSeries, _ observed: Double, against threshold: Double,
        of observations: Int64, agentType: String = "", _ text: String
    ) -> Advice.Evidence {
        Advice.Evidence(
            series: series, agentType: agentType, observed: observed, threshold: threshold,
            observations: observations, isSlope: false, text: text)
    }

    static func short(_ value: Double) -> String { HealthAssessment.short(value) }

    static func percent(_ share: Double) -> String { "\(short(share * 100)) %" }
}
