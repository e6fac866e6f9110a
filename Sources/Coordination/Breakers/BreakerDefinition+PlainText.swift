extension BreakerDefinition {
    /// What was put, for the audit log; what was left out is not said.
    public var plainText: String {
        var text = PlainText()
        text.add(quoting: name, "name")
        text.add(quoting: summary, "summary")
        switch rules {
        case .calls(let policy): text.add(part: "calls") { policy.write(to: &$0) }
        case .metric(let policy): text.add(part: "metric") { policy.write(to: &$0) }
        }
        if let binding { text.add(part: "binding") { binding.write(to: &$0) } }
        return text.text
    }
}

extension BreakerDefinition.Binding {
    fileprivate func write(to text: inout PlainText) {
        text.add(quoting: agentType, "agent_type")
        text.add(quoting: operation, "operation")
        text.add(quoting: excludedFailures, "excluded_failures")
    }
}

extension BreakerPolicy {
    fileprivate func write(to text: inout PlainText) {
        switch window {
        case .calls(let count): text.add("window_calls", count)
        case .millis(let millis): text.add("window_millis", millis)
        }
        text.add("minimum_calls", minimumCalls)
        text.add("failure_rate", failureRate)
        text.add("slow_call_rate", slowCallRate)
        text.add("slow_call_millis", slowCallMillis)
        text.add("failure_count", failureCount)
        text.add("half_open_permits", halfOpenPermits)
        text.add("successes_to_close", successesToClose)
        text.add("permit_timeout_millis", permitMillis)
        text.add("open_time_millis", openMillis)
        text.add("open_factor", openFactor)
        text.add("max_open_time_millis", maxOpenMillis)
        text.add("open_jitter", openJitter)
        text.add("decay_millis", decayMillis)
        text.add("severity", severity.word)
        text.add("recovery", recovery.word)
    }
}

extension MetricPolicy {
    fileprivate func write(to text: inout PlainText) {
        text.add("trip_at", tripAt)
        text.add("recover_at", recoverAt)
        text.add("below", direction == .below)
        text.add("hold_millis", holdMillis)
        text.add("severity", severity.word)
        text.add("recovery", recovery.word)
    }
}

extension BreakerSeverity {
    fileprivate var word: String {
        switch self {
        case .low: "LOW"
        case .medium: "MEDIUM"
        case .high: "HIGH"
        case .critical: "CRITICAL"
        }
    }
}

extension BreakerPolicy.Recovery {
    fileprivate var word: String {
        switch self {
        case .automatic: "AUTOMATIC"
        case .latched: "LATCHED"
        }
    }
}
