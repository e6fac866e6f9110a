import Messages

/// The words that people read for the protos' enums: the value's name without its prefix.
extension RunStatus {
    var word: String {
        switch self {
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .timedOut: "timed_out"
        default: "unknown"
        }
    }
}

extension StepState {
    var word: String {
        switch self {
        case .pending: "pending"
        case .scheduled: "scheduled"
        case .running: "running"
        case .waitingRetry: "waiting_retry"
        case .completed: "completed"
        case .failed: "failed"
        case .skipped: "skipped"
        case .cancelled: "cancelled"
        default: "unknown"
        }
    }
}

extension HealthState {
    var word: String {
        switch self {
        case .healthy: "healthy"
        case .degraded: "degraded"
        case .unhealthy: "unhealthy"
        case .timedOut: "timed_out"
        default: "unknown"
        }
    }
}

extension HistoryEventType {
    var word: String {
        switch self {
        case .runStarted: "run_started"
        case .stepScheduled: "step_scheduled"
        case .stepStarted: "step_started"
        case .stepCompleted: "step_completed"
        case .stepFailed: "step_failed"
        case .stepTimedOut: "step_timed_out"
        case .stepSkipped: "step_skipped"
        case .stepCancelled: "step_cancelled"
        case .runCompleted: "run_completed"
        case .runFailed: "run_failed"
        case .runCancelled: "run_cancelled"
        case .runTimedOut: "run_timed_out"
        default: "unknown"
        }
    }
}

extension BreakerState {
    var word: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half_open"
        case .forcedOpen: "forced_open"
        case .disabled: "disabled"
        case .metricsOnly: "metrics_only"
        default: "unknown"
        }
    }
}

extension BreakerSeverity {
    var word: String {
        switch self {
        case .low: "low"
        case .medium, .unspecified: "medium"
        case .high: "high"
        case .critical: "critical"
        default: "unknown"
        }
    }
}

extension BreakerRule {
    var word: String {
        switch self {
        case .failureRate: "failure_rate"
        case .slowCallRate: "slow_call_rate"
        case .failureCount: "failure_count"
        case .probeFailures: "probe_failures"
        case .metric: "metric"
        default: "unknown"
        }
    }
}

extension OperatingMode {
    var word: String {
        switch self {
        case .normal: "normal"
        case .degraded: "degraded"
        case .emergency: "emergency"
        default: "unknown"
        }
    }
}

extension IsolationState {
    var word: String {
        switch self {
        case .healthy: "healthy"
        case .isolated: "isolated"
        case .canary: "canary"
        default: "unknown"
        }
    }
}
