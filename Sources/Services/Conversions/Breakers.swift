import Coordination
import Engine
import Messages

extension Messages.Breaker {
    init(_ view: BreakerView) {
        self.init()
        definition = Messages.BreakerDefinition(view.definition)
        state = Messages.BreakerState(view.state)
        generation = view.generation
        changedUnixMillis = view.changedMillis
        nextChangeUnixMillis = view.nextChangeMillis ?? 0
        lastTrip = view.lastTrip.map(Messages.BreakerTrip.init)
        counts = Messages.BreakerCounts(view.counts)
        window = view.window.map(BreakerWindow.init)
        override = view.override.map(Messages.BreakerOverride.init)
        lastValue = view.lastValue.map { MetricValue(value: $0) }
    }
}

extension Messages.BreakerState {
    init(_ state: Coordination.BreakerState) { self.init(rawValue: Int32(state.rawValue)) }
}

extension Messages.OperatingMode {
    init(_ mode: Coordination.OperatingMode) { self.init(rawValue: Int32(mode.rawValue)) }
}

extension Messages.BreakerDefinition {
    init(_ definition: Coordination.BreakerDefinition) {
        self.init()
        name = definition.name
        summary = definition.summary
        if let bound = definition.binding {
            var message = BreakerBinding()
            message.agentType = bound.agentType
            message.operation = bound.operation
            message.excludedFailures = bound.excludedFailures
            binding = message
        }
        switch definition.rules {
        case .calls(let policy): rules = .calls(CallRules(policy))
        case .metric(let policy): rules = .metric(MetricRules(policy))
        }
    }
}

extension CallRules {
    /// The effective rules: nothing is left to defaults.
    init(_ policy: BreakerPolicy) {
        self.init()
        switch policy.window {
        case .calls(let count): windowCalls = Int32(clamping: count)
        case .millis(let millis): windowMillis = millis
        }
        minimumCalls = Int32(clamping: policy.minimumCalls)
        failureRate = policy.failureRate ?? 0
        slowCallRate = policy.slowCallRate ?? 0
        slowCallMillis = policy.slowCallMillis
        failureCount = Int32(clamping: policy.failureCount ?? 0)
        halfOpenPermits = Int32(clamping: policy.halfOpenPermits)
        successesToClose = Int32(clamping: policy.successesToClose)
        permitTimeoutMillis = policy.permitMillis
        openTimeMillis = policy.openMillis
        openFactor = policy.openFactor
        maxOpenTimeMillis = policy.maxOpenMillis
        openJitter = policy.openJitter == 0 ? -1 : policy.openJitter
        decayMillis = policy.decayMillis
        severity = Messages.BreakerSeverity(rawValue: Int32(policy.severity.rawValue))
        recovery = BreakerRecovery(rawValue: Int32(policy.recovery.rawValue))
    }
}

extension MetricRules {
    init(_ policy: MetricPolicy) {
        self.init()
        tripAt = policy.tripAt
        recoverAt = policy.recoverAt
        below = policy.direction == .below
        holdMillis = policy.holdMillis
        severity = Messages.BreakerSeverity(rawValue: Int32(policy.severity.rawValue))
        recovery = BreakerRecovery(rawValue: Int32(policy.recovery.rawValue))
    }
}

extension Messages.BreakerTrip {
    init(_ trip: Coordination.BreakerTrip) {
        self.init()
        rule = BreakerRule(rawValue: Int32(trip.rule.rawValue))
        threshold = trip.threshold
        observed = trip.observed
        calls = Int32(clamping: trip.calls)
        failures = Int32(clamping: trip.failures)
        slowCalls = Int32(clamping: trip.slowCalls)
        atUnixMillis = trip.atMillis
    }
}

extension Messages.BreakerCounts {
    init(_ counts: Coordination.BreakerCounts) {
        self.init()
        successes = counts.successes
        failures = counts.failures
        excluded = counts.excluded
        slow = counts.slow
        notPermitted = counts.notPermitted
        late = counts.late
        expired = counts.expired
        trips = counts.trips
        shadowTrips = counts.shadowTrips
    }
}

extension BreakerWindow {
    init(_ window: BreakerWindowView) {
        self.init()
        calls = Int32(clamping: window.calls)
        failures = Int32(clamping: window.failures)
        slowCalls = Int32(clamping: window.slowCalls)
        permitsOut = Int32(clamping: window.permitsOut)
        probeSuccesses = Int32(clamping: window.probeSuccesses)
        probeFailures = Int32(clamping: window.probeFailures)
    }
}

extension Messages.BreakerOverride {
    init(_ override: Coordination.BreakerOverride) {
        self.init()
        reason = override.reason
        actor = override.actor
        sinceUnixMillis = override.sinceMillis
        untilUnixMillis = override.untilMillis ?? 0
    }
}

extension ModeStatus {
    init(_ view: ModeView) {
        self.init()
        mode = Messages.OperatingMode(view.mode)
        automatic = Messages.OperatingMode(view.automatic)
        if let forced = view.override {
            var message = Messages.ModeOverride()
            message.mode = Messages.OperatingMode(forced.mode)
            message.reason = forced.reason
            message.actor = forced.actor
            message.sinceUnixMillis = forced.sinceMillis
            message.untilUnixMillis = forced.untilMillis ?? 0
            override = message
        }
        changedUnixMillis = view.changedMillis
        openCritical = Int32(clamping: view.openCritical)
        openHigh = Int32(clamping: view.openHigh)
        policy = Messages.ModePolicy(view.policy)
        plan = Messages.EmergencyPlan(view.plan)
        actions = view.progress.map(ActionStatus.init)
        emergencies = view.episodes
    }
}

extension Messages.ModePolicy {
    init(_ policy: Coordination.ModePolicy) {
        self.init()
        degradedAtHigh = Int32(clamping: policy.degradedAtHigh)
        normalAtHigh = Int32(clamping: policy.normalAtHigh)
        dwellMillis = policy.dwellMillis == 0 ? -1 : policy.dwellMillis
        calmMillis = policy.calmMillis == 0 ? -1 : policy.calmMillis
    }
}

extension Messages.EmergencyPlan {
    init(_ plan: Coordination.EmergencyPlan) {
        self.init()
        retryMillis = plan.retryMillis
        maxRetryMillis = plan.maxRetryMillis
        actions = plan.actions.map { action in
            var message = Messages.EmergencyAction()
            message.name = action.name
            message.apply = action.apply.map(AgentCall.init)
            message.undo = action.undo.map(AgentCall.init)
            return message
        }
    }
}

extension AgentCall {
    init(_ call: Coordination.EmergencyAction.Call) {
        self.init()
        agentType = call.agentType
        operation = call.operation
        payload = Messages.Payload(call.payload)
    }
}

extension ActionStatus {
    init(_ progress: EmergencyResponse.Progress) {
        self.init()
        name = progress.action.name
        order = progress.number
        undo = progress.isUndo
        attempts = Int32(clamping: progress.attempts)
        acknowledged = progress.isAcknowledged
    }
}

extension Messages.ReportOutcome {
    init(_ outcome: Coordination.ReportOutcome?) {
        switch outcome {
        case .recorded: self = .recorded
        case .late: self = .late
        case .changed: self = .changed
        case nil: self = .unknownBreaker
        }
    }
}

extension Messages.Isolation {
    init(_ isolation: Coordination.Isolation) {
        self.init()
        state = Messages.IsolationState(rawValue: Int32(isolation.state.rawValue) + 1)
        reason = isolation.reason
        actor = isolation.actor
        sinceUnixMillis = isolation.sinceMillis
        untilUnixMillis = isolation.untilMillis ?? 0
        streak = Int32(clamping: isolation.streak)
        total = isolation.total
        consecutiveFailures = Int32(clamping: isolation.consecutiveFailures)
        canariesLeft = Int32(clamping: isolation.canariesLeft)
    }
}

extension Messages.IsolationPolicy {
    /// The effective policy: nothing is left to defaults.
    init(_ policy: Coordination.IsolationPolicy) {
        self.init()
        consecutiveFailures = Int32(clamping: policy.consecutiveFailures ?? -1)
        windowFailures = Int32(clamping: policy.windowFailures ?? -1)
        windowMillis = policy.windowMillis
        isolationTimeMillis = policy.isolationMillis
        factor = policy.factor
        maxIsolationTimeMillis = policy.maxIsolationMillis
        jitter = policy.jitter == 0 ? -1 : policy.jitter
        healthyMillis = policy.healthyMillis
        maxShare = policy.maxShare
        canaries = policy.canaries == 0 ? -1 : Int32(clamping: policy.canaries)
        backupType = policy.backupType
        ignoredFailures = policy.ignoredFailures
    }
}
