import Coordination
import Store

/// Concurrency and rate keys: a step passes its keys' gates before it goes for a slot.
extension CoordinationEngine {
    /// A step with keys goes to its gates. Its patience begins behind them, unless the author has
    /// limited the whole time until the dispatch.
    mutating func enterGates(_ run: Int32, _ step: Int, _ definition: StepDefinition) {
        let type = requireType(named: definition.agentType)
        let job = jobs.insert(Job(work: .step(run: run, step: step), type: type))
        runs[run].steps[step].job = job
        keys.jobs[job] = KeyedJob()
        if let hold = runs[run].steps[step].held {
            // It comes back from a breaker: its time to start has not begun anew.
            if hold.endNanos < .max { arm(job, atNanos: hold.endNanos) }
        } else if let limit = definition.scheduleToStartMillis {
            arm(job, atNanos: startDeadline(run, step, limit))
        } else if let limit = runs[run].machine.deadline(of: step) {
            arm(job, atNanos: monotonicNanos(atWallMillis: limit))
        }
        passGates(job)
    }

    /// Passes the gates that are left, or waits at one; then it is a slot's turn.
    private mutating func passGates(_ job: Int32) {
        guard case .step(let run, let step) = jobs[job].work else { return }
        let state = runs[run].machine.state
        let definition = state.work(of: step).definition
        while let stage = keys.jobs[job]?.stage, stage != .slot {
            if let (key, rule) = definition.gate(stage, state.namespace) {
                let (gate, hasPassed) = keys.gates.enter(
                    key, rule, work: job, priority: definition.priority, now: now.monotonicNanos)
                if !hasPassed {
                    keys.jobs[job]?.waitsAt = gate
                    return armGate(gate)
                }
                passed(job, gate)
            } else {
                keys.jobs[job]?.stage = stage.next
            }
        }
        gatesPassed(job, run, step, definition)
    }

    /// The job counts at the gate from now on.
    private mutating func passed(_ job: Int32, _ gate: Int32) {
        guard let stage = keys.jobs[job]?.stage else { return }
        keys.jobs[job]?.waitsAt = -1
        keys.jobs[job]?.stage = stage.next
        if stage == .concurrency {
            keys.jobs[job]?.held = gate
        } else {
            keys.jobs[job]?.paced = gate
            storePace(gate)
            armGate(gate)
        }
    }

    /// All gates are passed. A breaker that does not let the step through keeps it: then it gives
    /// back what it has of its keys and comes to the gates again.
    private mutating func gatesPassed(
        _ job: Int32, _ run: Int32, _ step: Int, _ definition: StepDefinition
    ) {
        guard let permits = leave(forStep: step, of: run) else {
            if let gate = keys.jobs[job]?.paced, gate >= 0, let rate = definition.rate {
                keys.gates.giveBack(gate, rate.rule)
                storePace(gate)
                keys.opened.append(gate)
            }
            return endStep(job)
        }
        jobs[job].type = working(jobs[job].type, definition.operation)
        guardJob(job, with: permits)
        if definition.scheduleToStartMillis == nil {
            arm(job, atNanos: attemptDeadline(run, step, definition.startToCloseMillis))
        }
        seat(job, priority: definition.priority)
    }

    /// A job ends: it gives its place or its part back, and the next one's turn comes.
    mutating func leaveGates(_ job: Int32) {
        guard let keyed = keys.jobs.removeValue(forKey: job) else { return }
        for gate in [keyed.waitsAt, keyed.held] where gate >= 0 {
            keys.gates.leave(gate, work: job)
            keys.opened.append(gate)
        }
    }

    /// An attempt that outlived a restart takes its part of its key again.
    mutating func holdKey(_ job: Int32, _ definition: StepDefinition, _ namespace: Namespace) {
        guard let (key, _) = definition.gate(.concurrency, namespace) else { return }
        keys.jobs[job] = KeyedJob(held: keys.gates.hold(key, work: job), stage: .slot)
    }

    /// The key at which a job waits, as its name; `nil`: it does not.
    mutating func keyWaitedFor(by job: Int32) -> String? {
        guard let gate = keys.jobs[job]?.waitsAt, gate >= 0 else { return nil }
        return keys.gates.key(of: gate).name.name
    }

    // MARK: Gates

    /// Lets everything pass that may now.
    mutating func serveGate(_ gate: Int32) {
        guard keys.gates.contains(gate) else { return }
        while let job = keys.gates.next(gate, now: now.monotonicNanos) {
            passed(job, gate)
            passGates(job)
        }
        let key = keys.gates.key(of: gate)
        guard keys.gates.tidy(gate, now: now.monotonicNanos) else { return armGate(gate) }
        disarmGate(gate)
        if key.isRate { put(paceRow(key, nil)) }
    }

    mutating func gateDue(_ gate: Int32) {
        keys.timers[gate] = nil
        serveGate(gate)
    }

    /// Time will open the gate, or make it superfluous.
    private mutating func armGate(_ gate: Int32) {
        guard let wake = keys.gates.wakeNanos(gate, now: now.monotonicNanos), wake < .max,
            !keys.gates.isShut
        else { return disarmGate(gate) }
        if let timer = keys.timers[gate] {
            timers.update(timer, key: wake)
        } else {
            keys.timers[gate] = timers.insert(.gate(gate), key: wake)
        }
    }

    private mutating func disarmGate(_ gate: Int32) {
        if let timer = keys.timers.removeValue(forKey: gate) { timers.remove(timer) }
    }

    // MARK: Over a restart

    /// No gate opens before all restored runs are taken up: they may hold keys.
    mutating func shutGates() { keys.gates.isShut = true }

    mutating func openGates() {
        keys.gates.isShut = false
        keys.opened += keys.gates.all
        settle()
    }

    /// Written with every begin, so that it is on disk no later than the attempt's own start.
    private mutating func storePace(_ gate: Int32) {
        let next = keys.gates.nextNanos(gate)
        guard next < .max else { return }
        let wait = max(0, next - now.monotonicNanos)
        let waitMillis = (wait + 999_999) / 1_000_000
        put(
            paceRow(
                keys.gates.key(of: gate),
                KeyCodec.encode(paceMillis: now.wallMillis + waitMillis, waitMillis: waitMillis)))
    }

    private mutating func paceRow(_ key: KeyGates.Key, _ blob: [UInt8]?) -> EntityRow {
        EntityRow(
            kind: .keyPace, namespace: key.name.namespace.name, key: key.name.name, blob: blob)
    }

    /// Keeps a row for the first turn.
    ///
    /// - Throws: what makes it unreadable.
    mutating func keepKey(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        if entity.entityKind == .keyPace {
            _ = try KeyCodec.decodePace(blob)
        } else {
            _ = try KeyCodec.decodePause(blob)
        }
        keys.restored.append(entity)
    }

    /// Takes up what was kept.
    mutating func takeUpRestoredKeys() {
        if keys.restored.isEmpty { return }
        let rows = keys.restored
        keys.restored = []
        for row in rows {
            guard let blob = row.blob else { continue }
            let name = KeyName(namespace: Namespace(row.namespace), name: row.key)
            if row.entityKind == .keyPace, let pace = try? KeyCodec.decodePace(blob) {
                // A clock that was set back meanwhile does not make the wait longer than it was.
                let nanos = min(
                    monotonicNanos(atWallMillis: pace.millis),
                    monotonicNanos(inMillis: pace.waitMillis))
                let gate = keys.gates.setPace(
                    KeyGates.Key(name: name, isRate: true), nextNanos: nanos)
                keys.opened.append(gate)
            } else if row.entityKind == .pausedKey {
                takeUpPause(name, blob)
            }
        }
        settle()
    }
}

extension StepDefinition {
    /// The key of a stage, and what it lets pass; `nil`: the step has none.
    func gate(
        _ stage: KeyedJob.Stage, _ namespace: Namespace
    ) -> (KeyGates.Key, KeyGates.Rule)? {
        switch stage {
        case .concurrency:
            return concurrency.map {
                let name = KeyName(namespace: namespace, name: $0.key)
                return (KeyGates.Key(name: name, isRate: false), $0.rule)
            }
        case .rate:
            return rate.map {
                let name = KeyName(namespace: namespace, name: $0.key)
                return (KeyGates.Key(name: name, isRate: true), $0.rule)
            }
        case .slot: return nil
        }
    }
}

extension KeyedJob.Stage {
    var next: KeyedJob.Stage { self == .concurrency ? .rate : .slot }
}
