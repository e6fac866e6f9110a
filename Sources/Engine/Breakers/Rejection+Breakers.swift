import Coordination

/// The refusals of breakers, modes and the failure isolator.
extension Rejection {
    static func unknownBreaker(_ name: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "BREAKER_NOT_FOUND",
            "no breaker \"\(name)\" in this namespace; "
                + offer(known, "there are", "put one first"))
    }

    static func wrongReport(_ report: BreakerReport, isMetric: Bool) -> Rejection {
        let name = report.name
        var rejection = Rejection(
            .invalid, reason: "WRONG_REPORT",
            isMetric
                ? "breaker \"\(name)\" looks at a value and not at calls; report its value, and no call"
                : "breaker \"\(name)\" looks at calls and not at a value; report how they went",
            fields: [
                FieldFault(
                    field: report.place + (isMetric ? "call" : "value"),
                    description: "is not what breaker \"\(name)\" looks at")
            ])
        rejection.details = ["breaker": name]
        return rejection
    }

    static func tooManyBreakers(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_BREAKERS",
            "this namespace has \(limit) breakers, the limit; delete some")
    }

    static func tooManyNamespaces(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_NAMESPACES",
            "\(limit) namespaces have breakers or a mode, the limit of this server")
    }

    static func tooManyWatchers(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_WATCHERS",
            "\(limit) callers watch breakers or modes already; try again later",
            retryAfterMillis: 5_000)
    }

    /// UNAVAILABLE with the breaker, its state and when to try again as details.
    static func breakerOpen(_ name: String, _ refusal: BreakerRefusal) -> Rejection {
        let again = refusal.retryAfterMillis
        var rejection = Rejection(
            .unavailable, reason: "BREAKER_OPEN",
            "breaker \"\(name)\" is \(refusal.state.word) and lets no call through; "
                + (again.map { "try again in \($0) ms" }
                    ?? "it stays so until somebody resets it (ForceBreaker)"),
            retryAfterMillis: again)
        rejection.details = ["breaker": name, "state": refusal.state.word]
        if let again { rejection.details["retry_after_ms"] = "\(again)" }
        return rejection
    }

    static func staleOrder(_ action: String, _ number: UInt64) -> Rejection {
        Rejection(
            .precondition, reason: "STALE_ORDER",
            "order \(number) of action \"\(action)\" is not in force; get the mode and acknowledge "
                + "the number that stands there, if one does")
    }

    static func unknownAction(_ action: String) -> Rejection {
        Rejection(
            .notFound, reason: "ACTION_NOT_FOUND",
            "no action \"\(action)\" is under way in this namespace; get the mode to see those "
                + "that are")
    }

    static func tooManyPolicies(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_POLICIES",
            "\(limit) agent types have an isolation policy of their own, the limit; give some the "
                + "defaults again")
    }

    static func agentNotFound(_ id: AgentID) -> Rejection {
        Rejection(
            .notFound, reason: "AGENT_NOT_FOUND",
            "no agent \"\(id)\" is in the pool; ListAgents names those that are")
    }

    static func agentIsolated(_ id: AgentID) -> Rejection {
        Rejection(
            .unavailable, reason: "AGENT_ISOLATED",
            "agent \"\(id)\" is isolated and takes no work; call its type instead, or restore it")
    }

    static func lastInstance(_ id: AgentID) -> Rejection {
        Rejection(
            .precondition, reason: "LAST_INSTANCE",
            "agent \"\(id)\" is the last of its type that takes work; start another one, or set a "
                + "backup type that has one (SetIsolationPolicy)")
    }
}

extension BreakerState {
    /// The state as a word, in messages and details.
    public var word: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half_open"
        case .forcedOpen: "forced_open"
        case .disabled: "disabled"
        case .metricsOnly: "metrics_only"
        }
    }
}
