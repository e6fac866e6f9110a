import Coordination
import Messages

extension Coordination.BreakerDefinition {
    /// Reads a definition off the wire; 0 and unset become the documented defaults. Numbers that
    /// are out of range stay so, for ``faults`` to name them.
    init(_ definition: Messages.BreakerDefinition, _ faults: inout FieldFaults) {
        let rules: Rules =
            switch definition.rules {
            case .metric(let rules): .metric(MetricPolicy(rules, &faults))
            case .calls(let rules): .calls(BreakerPolicy(rules, &faults))
            case nil: .calls(BreakerPolicy(CallRules(), &faults))
            }
        self.init(
            name: definition.name, summary: definition.summary, rules: rules,
            binding: definition.binding.map {
                Binding(
                    agentType: $0.agentType, operation: $0.operation,
                    excludedFailures: $0.excludedFailures)
            })
    }
}

extension BreakerPolicy {
    init(_ rules: CallRules, _ faults: inout FieldFaults) {
        self.init()
        faults.check(
            rules.windowCalls == 0 || rules.windowMillis == 0, "breaker.calls.window_millis",
            "is set beside window_calls; set one of them")
        if rules.windowMillis != 0 {
            window = .millis(rules.windowMillis)
        } else if rules.windowCalls != 0 {
            window = .calls(Int(rules.windowCalls))
        }
        let longest = if case .calls(let count) = window { count } else { Int.max }
        minimumCalls = rules.minimumCalls == 0 ? min(20, max(longest, 1)) : Int(rules.minimumCalls)
        failureRate = rules.failureRate == 0 ? nil : rules.failureRate
        slowCallRate = rules.slowCallRate == 0 ? nil : rules.slowCallRate
        failureCount = rules.failureCount == 0 ? nil : Int(rules.failureCount)
        if failureRate == nil, slowCallRate == nil, failureCount == nil { failureRate = 0.5 }
        slowCallMillis = rules.slowCallMillis.orDefault(slowCallMillis)
        halfOpenPermits = rules.halfOpenPermits == 0 ? 5 : Int(rules.halfOpenPermits)
        successesToClose =
            rules.successesToClose == 0
            ? min(3, max(halfOpenPermits, 1)) : Int(rules.successesToClose)
        permitMillis = rules.permitTimeoutMillis.orDefault(permitMillis)
        openMillis = rules.openTimeMillis.orDefault(openMillis)
        openFactor = rules.openFactor == 0 ? openFactor : rules.openFactor
        maxOpenMillis = rules.maxOpenTimeMillis.orDefault(max(maxOpenMillis, openMillis))
        openJitter = rules.openJitter == 0 ? openJitter : rules.openJitter.orNone
        decayMillis = rules.decayMillis.orDefault(decayMillis)
        severity = BreakerSeverity(rules.severity, "breaker.calls.severity", &faults)
        recovery = Recovery(rules.recovery, "breaker.calls.recovery", &faults)
    }
}

extension MetricPolicy {
    init(_ rules: MetricRules, _ faults: inout FieldFaults) {
        self.init(
            direction: rules.below ? .below : .above, tripAt: rules.tripAt,
            recoverAt: rules.recoverAt, holdMillis: rules.holdMillis,
            severity: Coordination.BreakerSeverity(
                rules.severity, "breaker.metric.severity", &faults),
            recovery: BreakerPolicy.Recovery(rules.recovery, "breaker.metric.recovery", &faults))
    }
}

extension Coordination.BreakerSeverity {
    init(
        _ severity: Messages.BreakerSeverity, _ field: String, _ faults: inout FieldFaults
    ) {
        switch severity {
        case .low: self = .low
        case .unspecified, .medium: self = .medium
        case .high: self = .high
        case .critical: self = .critical
        case .unrecognized(let value):
            faults.check(false, field, "is \(value), which this server does not know")
            self = .medium
        }
    }
}

extension BreakerPolicy.Recovery {
    init(_ recovery: BreakerRecovery, _ field: String, _ faults: inout FieldFaults) {
        switch recovery {
        case .unspecified, .automatic: self = .automatic
        case .latched: self = .latched
        case .unrecognized(let value):
            faults.check(false, field, "is \(value), which this server does not know")
            self = .automatic
        }
    }
}

extension Coordination.ModePolicy {
    init(_ policy: Messages.ModePolicy) {
        self.init()
        if policy.degradedAtHigh != 0 { degradedAtHigh = Int(policy.degradedAtHigh) }
        normalAtHigh = Int(policy.normalAtHigh)
        dwellMillis = policy.dwellMillis.orDefault(dwellMillis).orNone
        calmMillis = policy.calmMillis.orDefault(calmMillis).orNone
    }
}

extension Coordination.EmergencyPlan {
    init(_ plan: Messages.EmergencyPlan, _ faults: inout FieldFaults) {
        self.init()
        for (index, action) in plan.actions.enumerated() {
            faults.checkSize(action.apply?.payload, "plan.actions[\(index)].apply.payload")
            faults.checkSize(action.undo?.payload, "plan.actions[\(index)].undo.payload")
        }
        actions = plan.actions.map { action in
            Coordination.EmergencyAction(
                name: action.name, apply: action.apply.map(Coordination.EmergencyAction.Call.init),
                undo: action.undo.map(Coordination.EmergencyAction.Call.init))
        }
        retryMillis = plan.retryMillis.orDefault(retryMillis)
        maxRetryMillis = plan.maxRetryMillis.orDefault(max(maxRetryMillis, retryMillis))
    }
}

extension Coordination.EmergencyAction.Call {
    init(_ call: AgentCall) {
        self.init(
            agentType: call.agentType, operation: call.operation,
            payload: Coordination.Payload(orEmptyObject: call.payload))
    }
}

extension Coordination.IsolationPolicy {
    init(_ policy: Messages.IsolationPolicy) {
        self.init()
        if policy.consecutiveFailures != 0 {
            consecutiveFailures =
                policy.consecutiveFailures == -1 ? nil : Int(policy.consecutiveFailures)
        }
        if policy.windowFailures != 0 {
            windowFailures = policy.windowFailures == -1 ? nil : Int(policy.windowFailures)
        }
        windowMillis = policy.windowMillis.orDefault(windowMillis)
        isolationMillis = policy.isolationTimeMillis.orDefault(isolationMillis)
        factor = policy.factor == 0 ? factor : policy.factor
        maxIsolationMillis = policy.maxIsolationTimeMillis.orDefault(
            max(maxIsolationMillis, isolationMillis))
        jitter = policy.jitter == 0 ? jitter : policy.jitter.orNone
        healthyMillis = policy.healthyMillis.orDefault(healthyMillis)
        maxShare = policy.maxShare == 0 ? maxShare : policy.maxShare
        if policy.canaries != 0 { canaries = policy.canaries == -1 ? 0 : Int(policy.canaries) }
        backupType = policy.backupType
        ignoredFailures = policy.ignoredFailures
    }
}

extension Int64 {
    /// 0 stands for a default.
    fileprivate func orDefault(_ value: Int64) -> Int64 { self == 0 ? value : self }
    /// -1 stands for none.
    fileprivate var orNone: Int64 { self == -1 ? 0 : self }
}

extension Double {
    /// -1 stands for none.
    fileprivate var orNone: Double { self == -1 ? 0 : self }
}
