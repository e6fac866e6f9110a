import Coordination

/// Something about breakers, modes or isolations that is worth counting.
public enum GuardNotice: Sendable, Hashable {
    /// A breaker is in this state.
    case breakerState(namespace: Namespace, name: String, state: BreakerState)
    /// A breaker is no more.
    case breakerDeleted(namespace: Namespace, name: String)
    /// What a breaker has seen since the last such notice.
    case breakerCalls(namespace: Namespace, name: String, BreakerCounts)
    /// A namespace works in this mode.
    case operatingMode(namespace: Namespace, mode: OperatingMode)
    /// An emergency, or its end, asks an agent to do something; its success is to be acknowledged
    /// under the order's number.
    case order(namespace: Namespace, EmergencyResponse.Order, EmergencyAction.Call)
    /// The isolator decided something about an instance of the type.
    case isolation(type: String, kind: IsolationChange.Kind)
    /// So many instances of the type are isolated now.
    case isolated(type: String, instances: Int)
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: GuardNotice) {}
}
