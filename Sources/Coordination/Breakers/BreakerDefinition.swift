/// A breaker as somebody put it: its name, what it looks at, and whose calls it guards.
public struct BreakerDefinition: Sendable, Hashable {
    /// What opens it.
    public enum Rules: Sendable, Hashable {
        case calls(BreakerPolicy)
        case metric(MetricPolicy)
    }

    /// The calls of the server's own agents that must pass it.
    public struct Binding: Sendable, Hashable {
        /// The agent type.
        public var agentType: String
        /// One of its operations; empty: all.
        public var operation: String
        /// Failure types that say nothing about what is guarded, at most 100.
        public var excludedFailures: [String]

        /// Combines the parts.
        public init(agentType: String, operation: String = "", excludedFailures: [String] = []) {
            self.agentType = agentType
            self.operation = operation
            self.excludedFailures = excludedFailures
        }
    }

    /// Unique in the namespace, 1 to 256 bytes.
    public var name: String
    /// One sentence for people, at most 1,024 bytes.
    public var summary: String
    /// What opens it.
    public var rules: Rules
    /// `nil`: only those who ask pass it.
    public var binding: Binding?

    /// Combines the parts.
    public init(name: String, summary: String = "", rules: Rules, binding: Binding? = nil) {
        self.name = name
        self.summary = summary
        self.rules = rules
        self.binding = binding
    }

    /// How much it matters.
    public var severity: BreakerSeverity {
        switch rules {
        case .calls(let policy): policy.severity
        case .metric(let policy): policy.severity
        }
    }

    /// Everything that is wrong with it; fields are named as in the API.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        check.text("breaker.name", name)
        check.text("breaker.summary", summary, maxBytes: 1_024, mayBeEmpty: true)
        if let binding {
            check.text("breaker.binding.agent_type", binding.agentType)
            check.text("breaker.binding.operation", binding.operation, mayBeEmpty: true)
            check.range(
                "breaker.binding.excluded_failures", binding.excludedFailures.count, 0...100)
            for (index, type) in binding.excludedFailures.prefix(100).enumerated() {
                check.text("breaker.binding.excluded_failures[\(index)]", type)
            }
        }
        let (part, inner) =
            switch rules {
            case .calls(let policy): ("breaker.calls.", policy.faults)
            case .metric(let policy): ("breaker.metric.", policy.faults)
            }
        return check.faults
            + inner.map { FieldFault(field: part + $0.field, description: $0.description) }
    }
}
