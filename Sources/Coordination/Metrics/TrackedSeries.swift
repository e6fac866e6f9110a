/// A number that reports follow through time. The numbers are those of the wire.
public enum TrackedSeries: Int32, Sendable, Hashable, CaseIterable {
    case activeWorkflows = 1
    case workflowStarts = 2
    case workflowDuration = 3
    case workflowSuccess = 4
    case utilization = 5
    case queueTime = 6
    case executionTime = 7
    case workFailures = 8
    case coordinationOverhead = 9
    case communicationLatency = 10
    case consensusAccuracy = 11
    case failureRecovery = 12
    case commitDuration = 13
    case callFailures = 14
    case waitingWork = 15
    case heldInstances = 16
    case openBreakers = 17
    case operatingMode = 18

    /// Whether there is one for each agent type.
    public var isPerType: Bool {
        switch self {
        case .utilization, .queueTime, .executionTime, .workFailures, .waitingWork,
            .heldInstances:
            true
        default: false
        }
    }

    /// The number of the whole server in a window; `nil`: not measured, or per type.
    func value(in window: WindowMetrics) -> Double? {
        let difference = window.difference
        switch self {
        case .activeWorkflows: return Double(difference.activeRuns)
        case .workflowStarts:
            return window.nanos > 0 ? Double(difference.runs.started) / window.seconds : nil
        case .workflowDuration: return difference.runDurations.meanSeconds
        case .workflowSuccess: return window.runSuccess?.value
        case .coordinationOverhead: return difference.overhead.meanSeconds
        case .communicationLatency: return difference.communication.meanSeconds
        case .consensusAccuracy: return window.consensusAccuracy?.value
        case .failureRecovery: return difference.workRecoveries.meanSeconds
        case .commitDuration: return difference.commits.meanSeconds
        case .callFailures: return window.callFailures?.value
        case .openBreakers: return Double(difference.openBreakers)
        case .operatingMode: return Double(difference.worstMode.rawValue)
        case .utilization, .queueTime, .executionTime, .workFailures, .waitingWork,
            .heldInstances:
            return nil
        }
    }

    /// The number of one agent type; `nil`: not measured, or of the whole server.
    func value(in type: TypeWindow) -> Double? {
        switch self {
        case .utilization: type.utilization?.value
        case .queueTime: type.mean(\.queueNanos).map { Double($0) / 1e9 }
        case .executionTime: type.mean(\.executionNanos).map { Double($0) / 1e9 }
        case .workFailures: type.failures?.value
        case .waitingWork: Double(type.reading.waiting)
        case .heldInstances: Double(type.reading.heldInstances)
        default: nil
        }
    }
}

extension MeterReading {
    /// The worst operating mode of all namespaces.
    var worstMode: OperatingMode {
        if emergencies > 0 { return .emergency }
        return degraded > 0 ? .degraded : .normal
    }
}
