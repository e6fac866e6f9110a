import Coordination
import Store

/// Breakers, modes and isolations that an earlier process left: checked when they are read, taken up
/// in the first turn, which knows the time.
extension CoordinationEngine {
    /// Keeps a row for the first turn.
    ///
    /// - Throws: what makes it unreadable.
    mutating func keepForFirstTurn(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        switch entity.entityKind {
        case .breaker: _ = try BreakerCodec.decode(blob, at: now)
        case .operatingMode: _ = try ModeCodec.decode(blob, at: now)
        case .isolationPolicy: _ = try IsolationCodec.decodePolicy(blob)
        case .isolation: _ = try IsolationCodec.decode(blob)
        default: return
        }
        breakers.restored.append(entity)
    }

    /// Takes up what was kept. Modes come before the breakers that count in them.
    mutating func takeUpRestoredEntities() {
        if breakers.restored.isEmpty { return }
        let rows = breakers.restored
        breakers.restored = []
        for kind in [EntityKind.operatingMode, .breaker, .isolationPolicy, .isolation] {
            for row in rows where row.entityKind == kind {
                do throws(CodecError) { try takeUp(row) } catch {
                    preconditionFailure("a row was readable and is not any more: \(error)")
                }
            }
        }
        for namespace in breakers.modeNames { tripsCounted(namespace) }
        isolationsLooked()
    }

    private mutating func takeUp(_ row: EntityRow) throws(CodecError) {
        guard let blob = row.blob else { return }
        let namespace = Namespace(row.namespace)
        switch row.entityKind {
        case .operatingMode:
            _ = breakers.insert(try ModeCodec.decode(blob, at: now), namespace)
            breakers.modes[namespace]?.isStored = true
            show(ModeChange(namespace: namespace, mode: mode(of: namespace)))
            ready.notices.append(
                .guarding(.operatingMode(namespace: namespace, mode: mode(of: namespace))))
        case .breaker: takeUp(try BreakerCodec.decode(blob, at: now), namespace)
        case .isolationPolicy: takeUp(try IsolationCodec.decodePolicy(blob), ofType: row.key)
        case .isolation:
            isolator.remember(try IsolationCodec.decode(blob), of: AgentID(row.key), at: now)
        default: break
        }
    }

    private mutating func takeUp(_ breaker: GuardingBreaker, _ namespace: Namespace) {
        let cell = insertBreaker(breaker, namespace)
        bind(cell)
        armBreaker(cell)
        breakers.cells[cell].noted = breaker.counts
        ready.notices.append(
            .guarding(
                .breakerState(
                    namespace: namespace, name: breaker.definition.name, state: breaker.state)))
        guard breaker.state.isTripped else { return }
        breakers.cells[cell].wasTripped = true
        measureBreaker(cell, isTripped: true)
        requireMode(namespace)
        // The mode hears of all at once, so that it does not look better for a moment.
        switch breaker.definition.severity {
        case .low, .medium: break
        case .high: breakers.modes[namespace]?.openHigh += 1
        case .critical: breakers.modes[namespace]?.openCritical += 1
        }
    }
}
