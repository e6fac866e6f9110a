extension BatchDefinition {
    /// What was configured, for the audit log.
    public var plainText: String {
        var text = PlainText()
        text.add(quoting: operation, "operation")
        text.add(quoting: agentType, "agent_type")
        text.add(quoting: agentOperation, "agent_operation")
        text.add("max_items", maxItems)
        text.add("max_delay_millis", maxDelayMillis)
        text.add("max_bytes", maxBytes)
        text.add("max_in_flight", maxInFlight)
        text.add("max_waiting", maxWaiting)
        text.add("timeout_millis", timeoutMillis)
        switch onFailure {
        case .fail: text.add("on_failure", "FAIL")
        case .retryItems(let attempts, let millis):
            text.add("on_failure", "RETRY_ITEMS")
            text.add("max_attempts", attempts)
            text.add("retry_millis", millis)
        }
        return text.text
    }
}
