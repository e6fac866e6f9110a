import Coordination

/// Ballots of steps whose voters are not there: the step waits for them as any step does for an
/// instance, as long as the voters would have, and fails as that one would.
extension CoordinationEngine {
    /// Who is missing for a ballot to begin; `nil`: nobody. An instance that is named need not be
    /// there, nor one of a type that is known: their votes are waited for in the ballot.
    mutating func absence(of spec: BallotSpec, asked operation: String) -> VoterAbsence? {
        var isAnyoneMeant = false
        for voter in spec.voters {
            guard let type = pool.type(named: voter.agentType), pool.isKnown(type: type) else {
                return .type(voter.agentType)
            }
            let asked = voter.operation.isEmpty ? operation : voter.operation
            if pool.operation(asked, ofType: type) == nil { return .operation(asked, type) }
            if !isAnyoneMeant {
                isAnyoneMeant = !voter.isEveryInstance || !instances(for: voter).isEmpty
            }
        }
        return isAnyoneMeant ? nil : .type(spec.voters.first?.agentType ?? "")
    }

    /// The step waits on, or has waited for long enough.
    mutating func wait(_ run: Int32, _ step: Int, for absence: VoterAbsence) {
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        let definition = state.plan.steps[step].definition
        let end =
            ballots.waiting[place]?.endNanos
            ?? restoredDeadline(
                run, step, definition.startToCloseMillis, graceMillis: limits.returnMillis)
        guard end > now.monotonicNanos else {
            let failure = failure(absence, limitOfStart(run, step))
            stopWaiting(run, step)
            return partFailed(run, step, failure)
        }
        if case .ballot(let spec) = definition.kind, ballots.waiting[place] == nil {
            for type in Set(spec.voters.map(\.agentType)) {
                ballots.waitingFor[type, default: []].append(place)
            }
        }
        ballots.waiting[place] = VoterWait(absence: absence, endNanos: end)
        armHold(run, step, atNanos: end)
    }

    /// The step goes on in another way than by its ballot, or not at all.
    mutating func waitsForNobody(_ run: Int32, _ step: Int) {
        if !ballots.waiting.isEmpty { stopWaiting(run, step) }
    }

    /// The step waits for voters no more, if it did: they are asked, or it is stopped.
    mutating func stopWaiting(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        guard ballots.waiting.removeValue(forKey: place) != nil else { return }
        if case .ballot(let spec) = state.plan.steps[step].definition.kind {
            for type in Set(spec.voters.map(\.agentType)) {
                ballots.waitingFor[type]?.removeAll { $0 == place }
                if ballots.waitingFor[type]?.isEmpty == true { ballots.waitingFor[type] = nil }
            }
        }
        if runs[run].steps[step].timer >= 0 {
            timers.remove(runs[run].steps[step].timer)
            runs[run].steps[step].timer = -1
        }
    }

    /// Somebody of a type came, or can do something else than before: steps that waited for no more
    /// than that go on.
    mutating func votersCame(ofType type: Int32) {
        if ballots.waiting.isEmpty { return }
        for place in ballots.waitingFor[pool.name(ofType: type)] ?? [] {
            guard let run = runIndex[place.run] else { continue }
            let definition = runs[run].machine.state.plan.steps[place.step].definition
            guard case .ballot(let spec) = definition.kind,
                absence(of: spec, asked: definition.operation) == nil
            else { continue }
            actions.append((run, .schedule(step: place.step)))
        }
    }

    private mutating func failure(_ absence: VoterAbsence, _ limit: String) -> StepFailure {
        switch absence {
        case .type(let name): return .noAgent(name, limit)
        case .operation(let operation, let type):
            let name = pool.name(ofType: type)
            if pool.aliveCount(type: type) == 0 { return .noAgent(name, limit) }
            let known = pool.operations(ofType: type).map(\.name)
            return .unknownOperation(operation, of: name, known: known)
        }
    }

    /// Why the step's voters are not asked, for people.
    mutating func explain(_ wait: VoterWait, _ cause: inout RunCause) {
        cause.kind = .noAgent
        cause.untilMillis = wallMillis(atNanos: wait.endNanos)
        switch wait.absence {
        case .type(let name):
            cause.waitsFor = [name]
            cause.message = "no voter of agent type \"\(name)\" is there"
        case .operation(let operation, let type):
            let name = pool.name(ofType: type)
            cause.waitsFor = [name]
            cause.message = "no voter of agent type \"\(name)\" has operation \"\(operation)\""
        }
    }
}

/// Who is missing.
enum VoterAbsence: Sendable {
    /// Anybody of an agent type.
    case type(String)
    /// Anybody of a type who has an operation.
    case operation(String, Int32)
}

/// A step that waits for its voters.
struct VoterWait: Sendable {
    var absence: VoterAbsence
    /// When it has waited for long enough to fail.
    var endNanos: Int64
}
