extension IsolationPolicy {
    /// What was set, for the audit log; rules that there are none of are not said.
    public var plainText: String {
        var text = PlainText()
        text.add("consecutive_failures", consecutiveFailures)
        text.add("window_failures", windowFailures)
        text.add("window_millis", windowMillis)
        text.add("isolation_time_millis", isolationMillis)
        text.add("factor", factor)
        text.add("max_isolation_time_millis", maxIsolationMillis)
        text.add("jitter", jitter)
        text.add("healthy_millis", healthyMillis)
        text.add("max_share", maxShare)
        text.add("canaries", canaries)
        text.add(quoting: backupType, "backup_type")
        text.add(quoting: ignoredFailures, "ignored_failures")
        return text.text
    }
}
