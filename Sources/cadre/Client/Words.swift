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
        case .terminated: "terminated"
        case .paused: "paused"
        case .compensating: "compensating"
        case .queued: "queued"
        case .continuedAsNew: "continued_as_new"
        default: "unknown"
        }
    }
}

extension CompensationState {
    /// Empty when nothing was to be undone.
    var word: String {
        switch self {
        case .running: "running"
        case .compensated: "compensated"
        case .failed: "failed"
        default: ""
        }
    }
}

extension StepKind {
    var word: String {
        switch self {
        case .invoke: "invoke"
        case .wait: "wait"
        case .approval: "approval"
        case .publish: "publish"
        case .child: "child"
        case .fanOut: "fan_out"
        case .continueAsNew: "continue_as_new"
        case .ballot: "ballot"
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
        case .waiting: "waiting"
        case .parked: "parked"
        case .evaluating: "evaluating"
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
    var word: String { runWord ?? stepWord ?? "unknown" }

    private var stepWord: String? {
        switch self {
        case .stepScheduled: "step_scheduled"
        case .stepStarted: "step_started"
        case .stepCompleted: "step_completed"
        case .stepFailed: "step_failed"
        case .stepTimedOut: "step_timed_out"
        case .stepSkipped: "step_skipped"
        case .stepCancelled: "step_cancelled"
        case .stepWaiting: "step_waiting"
        case .stepFellBack: "step_fell_back"
        case .stepParked: "step_parked"
        case .stepRequeued: "step_requeued"
        case .approvalDecided: "approval_decided"
        case .childStarted: "child_started"
        case .childEnded: "child_ended"
        case .eventPublished: "event_published"
        case .listStarted: "list_started"
        case .stepModeApplied: "step_mode_applied"
        default: nil
        }
    }

    private var runWord: String? {
        switch self {
        case .runStarted: "run_started"
        case .runCompleted: "run_completed"
        case .runFailed: "run_failed"
        case .runCancelled: "run_cancelled"
        case .runTimedOut: "run_timed_out"
        case .runPaused: "run_paused"
        case .runResumed: "run_resumed"
        case .runTerminated: "run_terminated"
        case .runRetried: "run_retried"
        case .runCompensating: "run_compensating"
        case .runQueued: "run_queued"
        case .runContinued: "run_continued"
        case .signalReceived: "signal_received"
        default: nil
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

extension Messages.Agent {
    /// Where it stands with the failure isolator, unless it is well, and why it gets nothing new. One
    /// without credits is as busy as it says.
    var stateWords: String {
        let state = isolation?.state ?? .healthy
        let reasons = holds.filter { $0 != "no_credit" }
        let words = state == .healthy && !reasons.isEmpty ? reasons : [state.word] + reasons
        return words.joined(separator: " ")
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
