import Coordination
import Store

/// The operating mode of each namespace, and what an emergency sets in motion.
extension CoordinationEngine {
    /// The mode that a namespace works in.
    mutating func mode(of namespace: Namespace) -> OperatingMode {
        breakers.modes[namespace]?.state.coordinator.mode ?? .normal
    }

    /// Makes sure that a namespace has a mode, and gives its number.
    @discardableResult
    mutating func requireMode(_ namespace: Namespace) -> Int32 {
        if let cell = breakers.modes[namespace] { return cell.number }
        return breakers.insert(ModeState(at: now), namespace)
    }

    /// Why a namespace may not begin to have breakers or a mode.
    mutating func refusalOfNamespace(_ namespace: Namespace) -> Rejection? {
        if breakers.modes[namespace] != nil || breakers.modes.count < limits.maxModes { return nil }
        return .tooManyNamespaces(limits.maxModes)
    }

    // MARK: Commands

    mutating func setMode(_ set: SetMode, _ ticket: ReplyTicket) {
        let key = RequestLog.Key(
            namespace: set.namespace, method: "SetMode", requestID: set.signature.requestID)
        var hash = StableHash()
        hash.combine("\(set.mode.map { Int($0.rawValue) } ?? -1) \(set.forMillis ?? -1)")
        hash.combine(set.signature.reason)
        if isRepeat(key, hash.value) { return getMode(set.namespace, ticket) }
        if isAnswered(key, hash.value, ticket) { return }
        if let refusal = refusalOfNamespace(set.namespace) { return reject(ticket, refusal) }
        requireMode(set.namespace)
        let before = mode(of: set.namespace)
        let new = set.mode.map { mode in
            ModeOverride(
                mode: mode, reason: set.signature.reason, actor: set.signature.actor,
                sinceMillis: now.wallMillis, untilMillis: set.forMillis.map { now.wallMillis + $0 })
        }
        changeMode(set.namespace) { coordinator, now in
            if let new {
                coordinator.forced(new, at: now)
            } else {
                coordinator.endOverride(at: now)
            }
        }
        storeMode(set.namespace)
        let after = plainText("\(mode(of: set.namespace))", until: new?.untilMillis)
        audit(
            namespace: set.namespace, actor: set.signature.actor, action: "SetMode",
            subject: "mode", before: "\(before)",
            after: set.signature.audited(after),
            requestID: set.signature.requestID)
        remember(key, hash: hash.value, answer: [1])
        answer(ticket, .breaker(.mode(modeView(set.namespace))), seen: filling)
    }

    mutating func setPlan(
        _ namespace: Namespace, _ policy: ModePolicy, _ plan: EmergencyPlan, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: namespace, method: "SetEmergencyPlan", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(ModeCodec.encode(plan))
        hash.combine(policy.requestWords)
        if isRepeat(key, hash.value) { return getMode(namespace, ticket) }
        if isAnswered(key, hash.value, ticket) { return }
        if let refusal = refusalOfChanges ?? refusalOfNamespace(namespace) {
            return reject(ticket, refusal)
        }
        requireMode(namespace)
        let before = plainTextOfPlan(namespace)
        breakers.modes[namespace]?.state.plan = plan
        changeMode(namespace) { coordinator, now in coordinator.reconfigure(policy, at: now) }
        storeMode(namespace)
        audit(
            namespace: namespace, actor: by.actor, action: "SetEmergencyPlan", subject: "mode",
            before: before, after: plainTextOfPlan(namespace), requestID: by.requestID)
        remember(key, hash: hash.value, answer: [1])
        tellModeWatchers(namespace)
        answer(ticket, .breaker(.mode(modeView(namespace))), seen: filling)
    }

    /// What a namespace does about its mode, for the audit log.
    private mutating func plainTextOfPlan(_ namespace: Namespace) -> String {
        guard let state = breakers.modes[namespace]?.state else { return "" }
        return "\(state.coordinator.policy.plainText), \(state.plan.plainText)"
    }

    mutating func acknowledge(
        _ namespace: Namespace, _ action: String, _ number: UInt64, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: namespace, method: "AcknowledgeAction", requestID: by.requestID)
        var hash = StableHash()
        hash.combine("\(number) \(action)")
        if isRepeat(key, hash.value) { return getMode(namespace, ticket) }
        if isAnswered(key, hash.value, ticket) { return }
        let seen = breakers.modes[namespace]?.changedIn ?? .none
        let plan = breakers.modes[namespace]?.state.plan ?? EmergencyPlan()
        switch breakers.modes[namespace]?.state.response
            .acknowledged(action, number: number, of: plan)
        {
        case .taken:
            audit(
                namespace: namespace, actor: by.actor, action: "AcknowledgeAction",
                subject: "mode/action/\(action)", after: "order \(number)",
                requestID: by.requestID)
            storeMode(namespace)
            armMode(namespace)
            tellModeWatchers(namespace)
            remember(key, hash: hash.value, answer: [1])
            answer(ticket, .breaker(.mode(modeView(namespace))), seen: filling)
        case .repeated: answer(ticket, .breaker(.mode(modeView(namespace))), seen: seen)
        case .stale: reject(ticket, .staleOrder(action, number), seen: seen)
        case .unknown, nil: reject(ticket, .unknownAction(action), seen: seen)
        }
    }

    mutating func getMode(_ namespace: Namespace, _ ticket: ReplyTicket) {
        answer(
            ticket, .breaker(.mode(modeView(namespace))),
            seen: breakers.modes[namespace]?.changedIn ?? .none)
    }

    mutating func watchMode(_ namespace: Namespace, _ ticket: ReplyTicket) {
        if let refusal = refusalOfWatcher(namespace) { return reject(ticket, refusal) }
        getMode(namespace, ticket)
        let number = requireMode(namespace)
        breakers.modes[namespace]?.watchers.append(ticket)
        breakers.watchers += 1
        open.insert(.watchingBreakers(mode: number), for: ticket)
    }

    private mutating func modeView(_ namespace: Namespace) -> ModeView {
        let cell = breakers.modes[namespace]
        let state = cell?.state ?? ModeState(at: now)
        return ModeView(
            namespace: namespace, mode: state.coordinator.mode,
            automatic: state.coordinator.automatic, override: state.coordinator.override,
            changedMillis: cell == nil ? 0 : state.coordinator.changedMillis,
            openCritical: cell?.openCritical ?? 0, openHigh: cell?.openHigh ?? 0,
            policy: state.coordinator.policy, plan: state.plan, progress: state.response.progress,
            episodes: state.response.episodes)
    }

    // MARK: Changes

    /// Another number of breakers is tripped.
    mutating func tripsCounted(_ namespace: Namespace) {
        guard let cell = breakers.modes[namespace] else { return }
        changeMode(namespace) { coordinator, now in
            coordinator.breakersChanged(
                openCritical: cell.openCritical, openHigh: cell.openHigh, at: now)
        }
    }

    mutating func modeDue(_ number: Int32) {
        let namespace = breakers.modeNames[Int(number)]
        breakers.modes[namespace]?.timer = -1
        changeMode(namespace) { coordinator, now in coordinator.timeReached(now) }
        guard var cell = breakers.modes[namespace] else { return }
        let orders = cell.state.response.due(cell.state.plan, at: now)
        if !orders.isEmpty {
            breakers.modes[namespace] = cell
            give(orders, namespace)
            storeMode(namespace)
            tellModeWatchers(namespace)
        }
        armMode(namespace)
    }

    /// Feeds the coordinator; a mode that changed is stored, told, and acted upon.
    private mutating func changeMode(
        _ namespace: Namespace, _ input: (inout OperatingModeCoordinator, EngineTime) -> Bool
    ) {
        guard var cell = breakers.modes[namespace] else { return }
        let before = cell.state.coordinator.mode
        let stored = cell.state.coordinator.stored
        _ = input(&cell.state.coordinator, now)
        let after = cell.state.coordinator.mode
        var orders: [EmergencyResponse.Order] = []
        if before != after {
            if after == .emergency {
                orders = cell.state.response.entered(cell.state.plan, at: now)
            } else if before == .emergency {
                orders = cell.state.response.left(cell.state.plan, at: now)
            }
        }
        let isChanged = cell.state.coordinator.stored != stored
        let held: Set<HeldStep> = before == after ? [] : cell.held
        if before != after { cell.held = [] }
        breakers.modes[namespace] = cell
        give(orders, namespace)
        armMode(namespace)
        if isChanged {
            storeMode(namespace)
            tellModeWatchers(namespace)
        }
        guard before != after else { return }
        draft.effects.modes.append(ModeChange(namespace: namespace, mode: after))
        draft.effects.notices.append(.guarding(.operatingMode(namespace: namespace, mode: after)))
        wakeHeldByMode(held)
    }

    /// Has the shell carry out what agents are to do, once the orders are on disk.
    private mutating func give(_ orders: [EmergencyResponse.Order], _ namespace: Namespace) {
        guard let progress = breakers.modes[namespace]?.state.response.progress else { return }
        for order in orders {
            let entry = progress.first { $0.number == order.number }
            guard let call = entry?.call else { continue }
            draft.effects.notices.append(
                .guarding(.order(namespace: namespace, order, call)))
        }
    }

    private mutating func storeMode(_ namespace: Namespace) {
        guard let state = breakers.modes[namespace]?.state else { return }
        let number = put(
            EntityRow(
                kind: .operatingMode, namespace: namespace.name, key: "",
                blob: ModeCodec.encode(state)))
        breakers.modes[namespace]?.changedIn = number
        breakers.modes[namespace]?.isStored = true
    }

    private mutating func tellModeWatchers(_ namespace: Namespace) {
        guard let watchers = breakers.modes[namespace]?.watchers, !watchers.isEmpty else { return }
        let view = modeView(namespace)
        for watcher in watchers {
            draft.effects.events.append(Reply(watcher, .breaker(.mode(view))))
        }
    }

    private mutating func armMode(_ namespace: Namespace) {
        guard let cell = breakers.modes[namespace] else { return }
        let step = cell.state.coordinator.nextDeadlineNanos(at: now)
        let order = cell.state.response.nextDeadlineNanos
        let due = min(step ?? .max, order ?? .max)
        if due == .max {
            if cell.timer >= 0 { timers.remove(cell.timer) }
            breakers.modes[namespace]?.timer = -1
        } else if cell.timer >= 0 {
            timers.update(cell.timer, key: due)
        } else {
            let timer = timers.insert(.mode(cell.number), key: due)
            breakers.modes[namespace]?.timer = timer
        }
    }
}
