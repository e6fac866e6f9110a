import Coordination

@testable import Engine

/// Looks through breakers and the failure isolator between two turns.
enum GuardAudit {
    static func faults(_ engine: CoordinationEngine, at now: EngineTime) -> [String] {
        probes(engine, now) + lastInstances(engine) + isolatedWork(engine)
    }

    /// A probe's permit is out only while a job holds it: none leaks.
    private static func probes(_ engine: CoordinationEngine, _ now: EngineTime) -> [String] {
        var held: [UInt64: Int] = [:]
        for index in engine.jobs.indices {
            for permit in engine.jobs[index].permits where permit.permit.isProbe {
                held[permit.serial, default: 0] += 1
            }
        }
        var faults: [String] = []
        for index in engine.breakers.cells.indices {
            var breaker = engine.breakers.cells[index].breaker
            let out = breaker.windowNow(at: now)?.permitsOut ?? 0
            if out > held[engine.breakers.cells[index].serial, default: 0] {
                faults.append("\(out) permits are out, but no job holds them")
            }
            if out > 3 { faults.append("more permits are out than there are") }
        }
        return faults
    }

    /// Unless people isolated them, somebody of each type works.
    private static func lastInstances(_ engine: CoordinationEngine) -> [String] {
        var working: Set<Int32> = []
        var alive: Set<Int32> = []
        for agent in engine.pool.livingAgents where engine.pool.isLiving(agent) {
            let isolation = engine.isolator.isolation(of: agent)
            if isolation?.state == .isolated, isolation?.actor.isEmpty == false { continue }
            alive.insert(engine.pool.type(of: agent))
            if isolation?.state != .isolated { working.insert(engine.pool.type(of: agent)) }
        }
        return alive.subtracting(working).map {
            "every instance of \(engine.pool.name(ofType: $0)) is isolated by its failures"
        }
    }

    /// An isolated instance is given nothing new.
    private static func isolatedWork(_ engine: CoordinationEngine) -> [String] {
        engine.pool.livingAgents.compactMap { agent in
            let isIsolated = engine.isolator.isolation(of: agent)?.state == .isolated
            return isIsolated && engine.pool.hasFreeSlot(agent)
                ? "\(engine.pool.id(of: agent)) is isolated and may be given work" : nil
        }
    }
}
