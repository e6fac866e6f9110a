import Coordination

/// What somebody wants of the failure isolator.
public enum IsolationCommand: Sendable {
    /// For so long; `nil`: until restored.
    case isolate(AgentID, forMillis: Int64?, by: Signature)
    case restore(AgentID, by: Signature)
    /// Must have no faults.
    case setPolicy(type: String, IsolationPolicy, by: Signature)
    case getPolicy(type: String)

    /// Whether it must get through when new work no longer does.
    var isVital: Bool {
        switch self {
        case .isolate, .restore: true
        case .setPolicy, .getPolicy: false
        }
    }
}
