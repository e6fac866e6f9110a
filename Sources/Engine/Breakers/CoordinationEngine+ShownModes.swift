import Coordination

/// What agents are told of the operating modes: only what is on disk.
extension CoordinationEngine {
    /// The mode that work of a namespace is dispatched under.
    mutating func shownMode(of namespace: Namespace) -> OperatingMode {
        if breakers.shownModes.isEmpty { return .normal }
        return breakers.shownModes[namespace] ?? .normal
    }

    /// Every namespace that is not in the normal mode.
    var shownModes: [ModeChange] {
        if breakers.shownModes.isEmpty { return [] }
        let changes = breakers.shownModes.map { ModeChange(namespace: $0, mode: $1) }
        return changes.sorted { $0.namespace.name < $1.namespace.name }
    }

    /// A mode is on disk: whoever works hears of it, and what is dispatched says so.
    mutating func show(_ change: ModeChange) {
        breakers.shownModes[change.namespace] = change.mode == .normal ? nil : change.mode
        ready.modeChanges.append(change)
    }
}
