/// The rules by which reports advise. Each looks at a window and its trends, and speaks only with
/// numbers of enough observations.
struct AdviceRules {
    let window: WindowMetrics
    let trends: [MetricTrend]

    /// Observations below which a share says nothing.
    static let leastObservations: Int64 = 20
    /// By how much of its mean a series must rise over the window before its slope matters.
    static let leastRise = 0.2

    /// All that speak, the most severe first, then in the order of the rules and types.
    var all: [Advice] {
        let found = server.compactMap(\.self) + window.types.flatMap { ofType($0) }
        return found.enumerated().sorted {
            ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
        }.map(\.element)
    }

    private var server: [Advice?] {
        [
            operatingMode, breakersOpen, runsFailing, runsPileUp, runsSlower, overheadDominates,
            commitsSlow, callsFailing, consensusWrong, recoverySlower,
        ]
    }

    private func ofType(_ type: TypeWindow) -> [Advice] {
        [poolSaturated(type), workFailing(type), queueGrowing(type), agentsHeld(type)]
            .compactMap(\.self)
    }

    // MARK: Guards

    private var operatingMode: Advice? {
        let mode = window.difference.worstMode
        if mode == .normal { return nil }
        let isEmergency = mode == .emergency
        return Advice(
            .operatingMode, isEmergency ? .critical : .warning,
            "Find out which breakers of high and critical severity are open and end their cause; the "
                + "mode comes back by itself.",
            [
                evidence(
                    .operatingMode, Double(mode.rawValue), against: 1, of: 1,
                    "\(window.difference.emergencies) namespaces are in emergency, "
                        + "\(window.difference.degraded) degraded")
            ])
    }

    private var breakersOpen: Advice? {
        let open = window.difference.openBreakers
        if open == 0 { return nil }
        return Advice(
            .breakersOpen, .warning,
            "Look with ListBreakers which rule opened them, and at what they guard.",
            [
                evidence(
                    .openBreakers, Double(open), against: 1,
                    of: Int64(window.difference.breakers),
                    "\(open) of \(window.difference.breakers) breakers refuse calls")
            ])
    }

    // MARK: Runs

    private var runsFailing: Advice? {
        guard let success = window.runSuccess, success.observations >= Self.leastObservations,
            success.value < 0.9
        else { return nil }
        let runs = window.difference.runs
        return Advice(
            .runsFailing, success.value < 0.5 ? .critical : .warning,
            "List the failed and timed out runs with ListRuns, and see in the history of one which "
                + "step failed.",
            [
                evidence(
                    .workflowSuccess, success.value, against: 0.9, of: success.observations,
                    "\(runs.failed) runs failed and \(runs.timedOut) timed out, "
                        + "\(runs.completed) completed")
            ])
    }

    private var runsPileUp: Advice? {
        guard let active = rising(.activeWorkflows) else { return nil }
        let runs = window.difference.runs
        let ended = window.difference.runDurations.count
        guard runs.started > ended, runs.started >= Self.leastObservations else { return nil }
        return Advice(
            .runsPileUp, .warning,
            "More runs start than end. Ask ExplainRun of an old one what it waits for.",
            [
                slope(
                    active,
                    "\(runs.started) runs started and \(ended) ended; the number of open ones rises "
                        + "by \(Self.short(active.line.slope)) an hour")
            ])
    }

    private var runsSlower: Advice? {
        guard let trend = rising(.workflowDuration) else { return nil }
        return Advice(
            .runsSlower, .warning,
            "Runs take longer and longer. Compare the execution and queue times of the agent types "
                + "in this report.",
            [
                slope(
                    trend,
                    "a run takes \(Self.short(trend.line.mean)) s on average, rising by "
                        + "\(Self.short(trend.line.slope)) s an hour")
            ])
    }

    private var recoverySlower: Advice? {
        guard let trend = rising(.failureRecovery) else { return nil }
        return Advice(
            .recoverySlower, .info,
            "Steps that fail take longer and longer to succeed. Look at their retry policies.",
            [
                slope(
                    trend,
                    "recovery takes \(Self.short(trend.line.mean)) s on average, rising by "
                        + "\(Self.short(trend.line.slope)) s an hour")
            ])
    }

    // MARK: The server

    private var overheadDominates: Advice? {
        guard let share = window.overheadShare, share.observations >= Self.leastObservations,
            share.value > 0.5, let mean = window.difference.overhead.meanSeconds, mean > 0.05
        else { return nil }
        let commit = window.difference.commits.meanSeconds.map {
            "; a commit takes \(Self.short($0)) s"
        }
        return Advice(
            .overheadDominates, .warning,
            "Most of the time of assignments is not the agents' work. Look at the disk, the network "
                + "to the agents, and the server's processors.",
            [
                evidence(
                    .coordinationOverhead, mean, against: 0.05, of: share.observations,
                    "the server adds \(Self.short(mean)) s to an assignment, "
                        + "\(Self.percent(share.value)) of its time" + (commit ?? ""))
            ])
    }

    private var commitsSlow: Advice? {
        let commits = window.difference.commits
        guard commits.count >= Self.leastObservations, let mean = commits.meanSeconds, mean > 0.1
        else { return nil }
        return Advice(
            .commitsSlow, mean > 1 ? .critical : .warning,
            "The disk is slow to make commits durable. Give the data directory a faster one of its "
                + "own.",
            [
                evidence(
                    .commitDuration, mean, against: 0.1, of: commits.count,
                    "\(commits.count) commits took \(Self.short(mean)) s on average")
            ])
    }

    private var callsFailing: Advice? {
        guard let share = window.callFailures, share.observations >= Self.leastObservations,
            share.value > 0.05
        else { return nil }
        let worst = window.calls.max { $0.failed < $1.failed }
        return Advice(
            .callsFailing, share.value > 0.25 ? .critical : .warning,
            "Calls fail or are refused on the server's side. Look at "
                + "cadre_rpc_ended_total by method and code.",
            [
                evidence(
                    .callFailures, share.value, against: 0.05, of: share.observations,
                    "\(Self.percent(share.value)) of \(share.observations) calls failed, most of "
                        + "them of \(worst?.service ?? "one service")")
            ])
    }

    private var consensusWrong: Advice? {
        guard let share = window.consensusAccuracy, share.observations >= Self.leastObservations,
            share.value < 0.8
        else { return nil }
        return Advice(
            .consensusWrong, share.value < 0.5 ? .critical : .warning,
            "Ballots decide wrongly. Weigh voters by what they have proved, ask for more support, or "
                + "let other agents vote.",
            [
                evidence(
                    .consensusAccuracy, share.value, against: 0.8, of: share.observations,
                    "\(Self.percent(share.value)) of \(share.observations) decisions proved right")
            ])
    }
}
