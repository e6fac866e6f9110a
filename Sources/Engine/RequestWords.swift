import Coordination

// What request ids are remembered by where the content is no plain field. The words are fixed,
// whatever becomes of the types' and cases' names: a repeat may come to a later build than the
// request did.

extension ForceBreaker.Change {
    /// Says everything that it asks for.
    var requestWords: String {
        switch self {
        case .override(let kind, let millis):
            let limit = millis.map { "Optional(\($0))" } ?? "nil"
            return "override(\(kind.requestWords), forMillis: \(limit))"
        case .release: return "release"
        case .reset: return "reset"
        }
    }
}

extension BreakerOverride.Kind {
    fileprivate var requestWords: String {
        switch self {
        case .forcedOpen: "Coordination.BreakerOverride.Kind.forcedOpen"
        case .disabled: "Coordination.BreakerOverride.Kind.disabled"
        case .metricsOnly: "Coordination.BreakerOverride.Kind.metricsOnly"
        }
    }
}

extension ModePolicy {
    /// Says all of it.
    var requestWords: String {
        "ModePolicy(degradedAtHigh: \(degradedAtHigh), normalAtHigh: \(normalAtHigh), "
            + "dwellMillis: \(dwellMillis), calmMillis: \(calmMillis))"
    }
}

extension RunReference {
    /// Says which run is meant.
    var requestWords: String {
        switch self {
        case .run(let namespace, let run): "run(\(namespace.name), \(run))"
        case .workflow(let namespace, let id):
            "workflow(\(namespace.name), \(id.debugDescription))"
        }
    }
}
