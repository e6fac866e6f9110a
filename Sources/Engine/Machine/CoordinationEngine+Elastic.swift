import Coordination

/// A pool whose instances are made and destroyed as they are wanted.
struct ElasticCell: Sendable {
    var pool: ElasticPool
    /// Who makes them.
    var port: Int
    /// Handle of the timer of the next look; -1: none.
    var timer: Int32 = -1
}

/// In-process instances that come when work waits and go when there is none.
extension CoordinationEngine {
    mutating func decide(_ command: PoolCommand) {
        switch command {
        case .joined(let registration, let port): poolJoined(registration, port)
        case .left(let name):
            guard let type = pool.type(named: name), let cell = elastic.removeValue(forKey: type)
            else { return }
            if cell.timer >= 0 { timers.remove(cell.timer) }
            pool.setMaxWaiting(nil, ofType: type)
        case .failed(let name, let message):
            guard let type = pool.type(named: name), elastic[type] != nil else { return }
            elastic[type]?.pool.failed(message, atNanos: now.monotonicNanos)
            ready.notices.append(.pool(.failed(type: name)))
            armElastic(type)
            if pool.aliveCount(type: type) == 0 { rejectWaiting(ofType: type) }
        }
    }

    private mutating func poolJoined(_ registration: PoolRegistration, _ port: PortNumber) {
        let type = requireType(named: registration.type)
        pool.know(registration.operations, ofType: type)
        pool.setMaxWaiting(registration.policy.maxWaiting, ofType: type)
        if elastic[type] != nil {
            elastic[type]?.pool.reconfigure(registration.policy)
            elastic[type]?.port = port.rawValue
        } else {
            elastic[type] = ElasticCell(
                pool: ElasticPool(registration.policy), port: port.rawValue)
            // The first instance joins before its pool does.
            for agent in pool.livingAgents where pool.type(of: agent) == type {
                elasticJoined(agent)
            }
        }
        votersCame(ofType: type)
        grow(type)
        armElastic(type)
    }

    /// Whether an instance of the type is alive or may come by itself.
    // Inlined, as a call that only reads the engine has it copied to the stack (4 KB) beforehand.
    @inline(__always)
    mutating func hasInstances(_ type: Int32) -> Bool {
        pool.aliveCount(type: type) > 0 || elastic[type]?.pool.isHopeful == true
    }

    /// Why no instance of a type is there.
    mutating func noInstance(_ type: Int32) -> Rejection {
        let name = pool.name(ofType: type)
        guard let failure = elastic[type]?.pool.lastFailure, !failure.isEmpty else {
            return .noInstance(of: name)
        }
        return .instanceNotMade(name, failure)
    }

    /// Has instances made for what waits, if the type is a pool.
    ///
    /// - Parameter isExact: leaves out what no instance of the pool could do, which costs a look at
    ///   the lines.
    mutating func grow(_ type: Int32, isExact: Bool = false) {
        if elastic.isEmpty { return }
        guard let port = elastic[type]?.port else { return }
        let waiting =
            isExact ? pool.offeredWaitingCount(type: type) : pool.waitingCount(type: type)
        let count =
            elastic[type]?.pool.take(
                alive: pool.aliveCount(type: type), waiting: waiting,
                atNanos: now.monotonicNanos) ?? 0
        if count == 0 { return }
        ready[port].orders.append(.create(type: pool.name(ofType: type), count: count))
    }

    /// An instance of a pool is there.
    mutating func elasticJoined(_ agent: Int32) {
        let type = pool.type(of: agent)
        guard elastic[type] != nil, pool.session(of: agent) < 0 else { return }
        pool.preferLastUsed(agent)
        elastic[type]?.pool.joined(agent)
        ready.notices.append(.pool(.created(type: pool.name(ofType: type))))
        noteInstances(type)
        armElastic(type)
    }

    /// An instance is gone; the pool may want another one.
    mutating func elasticLeft(_ agent: Int32, _ type: Int32) {
        guard elastic[type] != nil else { return }
        elastic[type]?.pool.left(agent)
        noteInstances(type)
        grow(type, isExact: true)
    }

    private mutating func noteInstances(_ type: Int32) {
        ready.notices.append(
            .pool(
                .instances(type: pool.name(ofType: type), pool.aliveCount(type: type))))
    }

    /// Looks who has been idle, and makes what could not be made before.
    mutating func elasticDue(_ type: Int32) {
        guard var cell = elastic[type] else { return }
        cell.timer = -1
        let idle = cell.pool.look(alive: pool.aliveCount(type: type)) { [pool] agent in
            if pool.inFlight(of: agent) > 0 { return nil }
            let totals = pool.totals(of: agent)
            return totals.completed + totals.failed
        }
        elastic[type] = cell
        for agent in idle { retire(agent, type, cell.port) }
        grow(type, isExact: true)
        armElastic(type)
    }

    private mutating func retire(_ agent: Int32, _ type: Int32, _ port: Int) {
        let id = pool.id(of: agent)
        close(agent)
        giveUp(agent)
        ready[port].orders.append(.retire(id))
        ready.notices.append(.pool(.retired(type: pool.name(ofType: type))))
    }

    /// The timer rings while there is something to look at: idle instances, or a pause that ends.
    private mutating func armElastic(_ type: Int32) {
        guard let cell = elastic[type] else { return }
        let alive = pool.aliveCount(type: type)
        var due = Int64.max
        if alive > cell.pool.policy.minInstances {
            due = monotonicNanos(inMillis: cell.pool.policy.idleMillis)
        }
        let pause = cell.pool.notBeforeNanos
        if pause > now.monotonicNanos { due = min(due, pause) }
        guard due < .max, cell.timer < 0 else { return }
        elastic[type]?.timer = timers.insert(.elastic(type), key: due)
    }

    /// Every pool, by type.
    var poolSummaries: [PoolSummary] {
        elastic.map { type, cell in
            PoolSummary(
                type: pool.name(ofType: type), policy: cell.pool.policy,
                instances: pool.aliveCount(type: type), starting: cell.pool.starting,
                waiting: pool.waitingCount(type: type), created: cell.pool.created,
                retired: cell.pool.retired, lastFailure: cell.pool.lastFailure)
        }.sorted { $0.type < $1.type }
    }
}
