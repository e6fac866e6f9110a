/// One thing to do when an emergency begins, and how to undo it when it is over.
public struct EmergencyAction: Sendable, Hashable {
    /// What an agent is asked to do.
    public struct Call: Sendable, Hashable {
        /// The agent type and one of its operations.
        public var agentType: String
        public var operation: String
        /// Given to the agent as it is.
        public var payload: Payload

        /// Combines the parts.
        public init(agentType: String, operation: String, payload: Payload) {
            self.agentType = agentType
            self.operation = operation
            self.payload = payload
        }
    }

    /// Unique in the plan, 1 to 256 bytes.
    public var name: String
    /// What the server itself does; `nil`: somebody who watches does it and acknowledges it.
    public var apply: Call?
    /// What undoes it. With ``apply`` and without this, there is nothing to undo.
    public var undo: Call?

    /// Combines the parts.
    public init(name: String, apply: Call?, undo: Call?) {
        self.name = name
        self.apply = apply
        self.undo = undo
    }
}

/// What is to happen when an emergency begins. All actions go at once; each is asked for again until
/// it is acknowledged.
public struct EmergencyPlan: Sendable, Hashable {
    /// The largest payload of an action, bytes: the plan is stored with each change of the mode.
    public static let maxPayloadBytes = 16 << 10

    /// At most 100.
    public var actions: [EmergencyAction]
    /// The wait before an action is asked for again, milliseconds, doubling up to
    /// ``maxRetryMillis``. Default 5,000.
    public var retryMillis: Int64
    /// Default 60,000.
    public var maxRetryMillis: Int64

    /// Combines the parts.
    public init(
        actions: [EmergencyAction] = [], retryMillis: Int64 = 5_000, maxRetryMillis: Int64 = 60_000
    ) {
        self.actions = actions
        self.retryMillis = retryMillis
        self.maxRetryMillis = maxRetryMillis
    }

    /// Everything that is wrong with it; fields are named as in the API.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        check.range("plan.actions", actions.count, 0...100)
        check.millis("plan.retry_millis", retryMillis, 100...3_600_000)
        check.millis(
            "plan.max_retry_millis", maxRetryMillis,
            max(100, min(retryMillis, 3_600_000))...3_600_000)
        var seen: Set<String> = []
        for (index, action) in actions.prefix(100).enumerated() {
            let path = "plan.actions[\(index)]"
            check.text("\(path).name", action.name)
            if !seen.insert(action.name).inserted {
                check.fault("\(path).name", "\"\(action.name)\" stands twice; give each its own")
            }
            for (part, call) in [("apply", action.apply), ("undo", action.undo)] {
                guard let call else { continue }
                check.text("\(path).\(part).agent_type", call.agentType)
                check.text("\(path).\(part).operation", call.operation)
                check.range(
                    "\(path).\(part).payload", call.payload.bytes.count, 0...Self.maxPayloadBytes)
            }
        }
        return check.faults
    }
}
