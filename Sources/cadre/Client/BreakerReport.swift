import JSON
import Messages

/// How a breaker is shown to people and programs.
extension Breaker {
    var severity: BreakerSeverity {
        switch definition?.rules {
        case .calls(let rules): rules.severity
        case .metric(let rules): rules.severity
        case nil: .medium
        }
    }

    /// The numbers that it decides by, in short.
    var windowText: String {
        if let lastValue { return "value \(lastValue.value)" }
        guard let window else { return "no value yet" }
        if state == .halfOpen {
            return "\(window.probeSuccesses) good, \(window.probeFailures) bad probes"
        }
        return "\(window.failures)/\(window.calls) failed, \(window.slowCalls) slow"
    }

    /// Why it is not closed; empty when it is.
    var whyText: String {
        if let override { return "\(override.reason) (\(override.actor))" }
        guard state != .closed, let trip = lastTrip else { return "" }
        return trip.text
    }

    /// Prints it.
    func show(_ output: OutputFormat) {
        if output == .json { return printJSON { $0.members(of: self) } }
        printVisible("breaker:     \(definition?.name ?? "")")
        printVisible("state:       \(state.word) since \(Instant.text(changedUnixMillis))")
        if nextChangeUnixMillis > 0 {
            printVisible("changes:     \(Instant.text(nextChangeUnixMillis))")
        }
        printVisible("severity:    \(severity.word)")
        if let binding = definition?.binding {
            printVisible("guards:      \(binding.text)")
        }
        if let override {
            printVisible("forced:      \(override.reason) (\(override.actor))".visible)
        }
        if let lastTrip {
            printVisible(
                "last trip:   \(Instant.text(lastTrip.atUnixMillis)) \(lastTrip.text.visible)")
        }
        printVisible("window:      \(windowText)")
        let counts = counts ?? BreakerCounts()
        printVisible(
            "counts:      \(counts.successes) ok, \(counts.failures) failed, "
                + "\(counts.notPermitted) refused, \(counts.trips) trips")
    }
}

extension BreakerBinding {
    /// The agent type, and the operation when it is about one.
    var text: String {
        operation.isEmpty ? agentType : "\(agentType) \(operation)"
    }
}

extension BreakerTrip {
    /// The rule, what it allows, and what was seen.
    var text: String {
        "\(rule.word) \(observed) reached \(threshold) "
            + "(\(calls) calls, \(failures) failed, \(slowCalls) slow)"
    }
}

extension JSONWriter {
    mutating func breaker(_ breaker: Breaker) {
        beginObject()
        members(of: breaker)
        endObject()
    }

    /// The members of a breaker, into an object that is open.
    mutating func members(of breaker: Breaker) {
        member("name", breaker.definition?.name ?? "")
        member("state", breaker.state.word)
        member("state_number", breaker.state.rawValue)
        member("severity", breaker.severity.word)
        member("changed", Instant.text(breaker.changedUnixMillis))
        if breaker.nextChangeUnixMillis > 0 {
            member("next_change", Instant.text(breaker.nextChangeUnixMillis))
        }
        if let binding = breaker.definition?.binding {
            member("agent_type", binding.agentType)
            member("operation", binding.operation)
        }
        if let override = breaker.override {
            member("forced_reason", override.reason)
            member("forced_by", override.actor)
        }
        if let trip = breaker.lastTrip { member("last_trip", trip.text) }
        if let window = breaker.window {
            member("window_calls", window.calls)
            member("window_failures", window.failures)
            member("window_slow_calls", window.slowCalls)
        }
        let counts = breaker.counts ?? BreakerCounts()
        member("successes", counts.successes)
        member("failures", counts.failures)
        member("not_permitted", counts.notPermitted)
        member("trips", counts.trips)
    }
}
