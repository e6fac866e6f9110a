import Coordination

/// The policies that people set, by the name of their agent type, which nobody need know yet.
struct IsolationPolicies: Sendable {
    private var policies: [String: IsolationPolicy] = [:]
    /// The types for which another one stands in, by that one's name.
    private var dependents: [String: Set<String>] = [:]

    var isEmpty: Bool { policies.isEmpty }
    var count: Int { policies.count }

    /// What holds for a type.
    subscript(type: String) -> IsolationPolicy { policies[type] ?? .defaults }

    /// Whether one was set that is not the default one.
    func has(_ type: String) -> Bool { policies[type] != nil }

    /// Sets one. The default one is not kept.
    mutating func set(_ policy: IsolationPolicy, ofType type: String) {
        if let old = policies.removeValue(forKey: type) { forget(type, standIn: old.backupType) }
        if policy == .defaults { return }
        policies[type] = policy
        if policy.backupType.isEmpty { return }
        dependents[policy.backupType, default: []].insert(type)
    }

    /// The types whose policy says something of this one: itself, and those that it stands in for.
    func concerned(by type: String) -> [String] {
        (has(type) ? [type] : []) + (dependents[type]?.sorted() ?? [])
    }

    private mutating func forget(_ type: String, standIn: String) {
        dependents[standIn]?.remove(type)
        if dependents[standIn]?.isEmpty == true { dependents[standIn] = nil }
    }
}
