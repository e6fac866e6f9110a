extension ModePolicy {
    /// What was set, for the audit log.
    public var plainText: String {
        var text = PlainText()
        text.add(part: "policy") {
            $0.add("degraded_at_high", degradedAtHigh)
            $0.add("normal_at_high", normalAtHigh)
            $0.add("dwell_millis", dwellMillis)
            $0.add("calm_millis", calmMillis)
        }
        return text.text
    }
}

extension EmergencyPlan {
    /// What was set, for the audit log.
    public var plainText: String {
        var text = PlainText()
        text.add(part: "plan") {
            $0.add("retry_millis", retryMillis)
            $0.add("max_retry_millis", maxRetryMillis)
            for action in actions { action.write(to: &$0) }
        }
        return text.text
    }
}

extension EmergencyAction {
    fileprivate func write(to text: inout PlainText) {
        text.add(quoting: name, "action")
        if let apply { text.add(part: "apply") { apply.write(to: &$0) } }
        if let undo { text.add(part: "undo") { undo.write(to: &$0) } }
    }
}

extension EmergencyAction.Call {
    /// Longer payloads are told apart by their hash: the log keeps few words of each change.
    private static let longestPayload = 64

    fileprivate func write(to text: inout PlainText) {
        text.add(quoting: agentType, "agent_type")
        text.add(quoting: operation, "operation")
        if payload.bytes.count <= Self.longestPayload,
            let words = String(validating: payload.bytes, as: UTF8.self)
        {
            return text.add(quoting: words, "payload")
        }
        var hash = StableHash()
        hash.combine(payload.bytes)
        text.add("payload", "\(payload.bytes.count) bytes, hash \(hash.value)")
    }
}
