import Coordination

/// Agent types get a number when somebody joins or a step asks for one; what people said of them by
/// name holds from then on.
extension CoordinationEngine {
    /// The number of a type, made if need be.
    mutating func requireType(named name: String) -> Int32 {
        if let known = pool.type(named: name) { return known }
        let type = pool.requireType(named: name)
        if !isolationPolicies.isEmpty {
            for one in isolationPolicies.concerned(by: name) { enforcePolicy(ofType: one) }
        }
        return type
    }

    /// Whether a type has a number, or may get one. They are never given back.
    mutating func hasRoom(forType name: String) -> Bool {
        pool.typeCount < limits.maxAgentTypes || pool.type(named: name) != nil
    }

    /// Makes the policy of a type hold, if the type has a number; so does its backup, or there is none.
    mutating func enforcePolicy(ofType name: String) {
        guard let type = pool.type(named: name) else { return }
        let policy = isolationPolicies[name]
        let backup = policy.backupType.isEmpty ? nil : pool.type(named: policy.backupType)
        apply(isolator.policyChanged(ofType: type, to: policy, backup: backup ?? -1, at: now))
    }
}

extension StepFailure {
    static func tooManyAgentTypes(_ type: String, _ limit: Int) -> StepFailure {
        StepFailure(
            type: "too_many_agent_types",
            message: "agent type \"\(type)\" is new, and this server knows \(limit) others, the "
                + "limit; name one that is known, or start the server again, which forgets them",
            retryable: false)
    }
}

extension SessionRefusal {
    static func tooManyTypes(_ type: String, _ limit: Int) -> SessionRefusal {
        SessionRefusal(
            .tooManyTypes,
            "agent type \"\(type)\" is new, and this server knows \(limit) others, the limit; join "
                + "one that is known, or start the server again, which forgets them",
            retryAfterMillis: 10_000)
    }
}
