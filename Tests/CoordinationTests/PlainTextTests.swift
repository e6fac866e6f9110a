import Coordination
import Testing

/// What stands in the audit log: it keeps its words, whatever the types are called.
@Suite struct PlainTextTests {
    @Test func `a breaker on calls, with its defaults`() {
        let definition = BreakerDefinition(
            name: "b", summary: "of \"x\", not y", rules: .calls(.defaults),
            binding: .init(agentType: "a", operation: "o", excludedFailures: ["p", "q"]))
        #expect(
            definition.plainText
                == "name: \"b\", summary: \"of \\\"x\\\", not y\", calls.window_calls: 100, "
                + "calls.minimum_calls: 20, calls.failure_rate: 0.5, calls.slow_call_millis: 60000, "
                + "calls.half_open_permits: 5, calls.successes_to_close: 3, "
                + "calls.permit_timeout_millis: 60000, calls.open_time_millis: 5000, "
                + "calls.open_factor: 2.0, calls.max_open_time_millis: 300000, "
                + "calls.open_jitter: 0.2, calls.decay_millis: 60000, calls.severity: MEDIUM, "
                + "calls.recovery: AUTOMATIC, binding.agent_type: \"a\", binding.operation: \"o\", "
                + "binding.excluded_failures: [\"p\", \"q\"]")
    }

    @Test func `a breaker on a value`() {
        let policy = MetricPolicy(
            direction: .below, tripAt: -5, recoverAt: -2.5, holdMillis: 7, severity: .critical,
            recovery: .latched)
        #expect(
            BreakerDefinition(name: "m", rules: .metric(policy)).plainText
                == "name: \"m\", metric.trip_at: -5.0, metric.recover_at: -2.5, metric.below: true, "
                + "metric.hold_millis: 7, metric.severity: CRITICAL, metric.recovery: LATCHED")
    }

    @Test func `what is to happen in an emergency`() {
        func call(_ bytes: [UInt8]) -> EmergencyAction.Call {
            EmergencyAction.Call(agentType: "a", operation: "o", payload: Payload(bytes: bytes))
        }
        let plan = EmergencyPlan(actions: [
            EmergencyAction(name: "page", apply: nil, undo: nil),
            EmergencyAction(name: "halt", apply: call(Array("\"x\"".utf8)), undo: call([0xFF])),
        ])
        #expect(
            plan.plainText
                == "plan.retry_millis: 5000, plan.max_retry_millis: 60000, plan.action: \"page\", "
                + "plan.action: \"halt\", plan.apply.agent_type: \"a\", "
                + "plan.apply.operation: \"o\", plan.apply.payload: \"\\\"x\\\"\", "
                + "plan.undo.agent_type: \"a\", plan.undo.operation: \"o\", "
                + "plan.undo.payload: 1 bytes, hash 11349797871107318337")
        #expect(
            ModePolicy.defaults.plainText
                == "policy.degraded_at_high: 2, policy.normal_at_high: 0, "
                + "policy.dwell_millis: 30000, policy.calm_millis: 10000")
    }

    @Test func `an isolation policy and a batch`() {
        let policy = IsolationPolicy(
            windowFailures: nil, backupType: "spare", ignoredFailures: ["x"])
        #expect(
            policy.plainText
                == "consecutive_failures: 5, window_millis: 60000, isolation_time_millis: 30000, "
                + "factor: 2.0, max_isolation_time_millis: 300000, jitter: 0.2, "
                + "healthy_millis: 60000, max_share: 0.5, canaries: 3, backup_type: \"spare\", "
                + "ignored_failures: [\"x\"]")
        let batch = BatchDefinition(
            operation: "o", agentType: "a", onFailure: .retryItems(attempts: 3, millis: 200))
        #expect(
            batch.plainText
                == "operation: \"o\", agent_type: \"a\", agent_operation: \"o\", max_items: 100, "
                + "max_delay_millis: 100, max_bytes: 1000000, max_in_flight: 4, "
                + "max_waiting: 10000, timeout_millis: 30000, on_failure: RETRY_ITEMS, "
                + "max_attempts: 3, retry_millis: 200")
    }
}
