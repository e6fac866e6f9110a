import Coordination
import JSON

/// Ballots as steps of workflows: the step stays scheduled until its voters have decided, so that a
/// server that starts again asks them again.
extension CoordinationEngine {
    mutating func putToBallot(_ run: Int32, _ step: Int, _ spec: BallotSpec, _ input: Payload) {
        // A server that starts again asks then.
        if isDraining { return }
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        // A run that was paused meanwhile and goes on has its ballot still.
        if ballots.ofSteps[place] != nil { return }
        let definition = state.plan.steps[step].definition
        if let absence = absence(of: spec, asked: definition.operation) {
            return wait(run, step, for: absence)
        }
        stopWaiting(run, step)
        let ticket = ownCalls.open(.step(place, attempt: state.steps[step].attempt))
        ballots.ofSteps[place] = ticket
        beginBallot(
            DecideBallot(
                namespace: state.namespace, operation: definition.operation, payload: input,
                spec: spec, requestID: "",
                closesNanos: attemptDeadline(run, step, definition.startToCloseMillis),
                arrivedNanos: now.monotonicNanos, priority: definition.priority,
                waitsForInstances: true), ticket)
    }

    /// After a restart: instances are asked that had no time yet to come back, when every one is meant.
    /// The step waits for that; not if its own time would be over then.
    mutating func awaitsVoters(_ run: Int32, _ step: Int, _ definition: StepDefinition) -> Bool {
        let end = isTakingUp ? monotonicNanos(inMillis: limits.returnMillis) : returnEndNanos
        guard end > now.monotonicNanos, case .ballot(let spec) = definition.kind,
            spec.voters.contains(where: \.isEveryInstance)
        else { return false }
        let limit = runs[run].machine.deadline(of: step).map { monotonicNanos(atWallMillis: $0) }
        if let limit, limit <= end { return false }
        armHold(run, step, atNanos: end)
        return true
    }

    /// The step's ballot has ended, or could not begin.
    mutating func stepBallotEnded(_ place: StepPlace, attempt: Int, _ answer: Answer) {
        ballots.ofSteps[place] = nil
        switch answer {
        case .ballot(.decided(let outcome)) where outcome.verdict.isDecided:
            ready.preparations.append(
                Preparation(.report(outcome), for: .ballotOutput(place, attempt: attempt)))
        case .ballot(.decided(let outcome)):
            undecided(place, attempt: attempt, outcome.failure)
        case .rejected(let rejection):
            undecided(place, attempt: attempt, StepFailure(rejection))
        default: break
        }
    }

    private mutating func undecided(_ place: StepPlace, attempt: Int, _ failure: StepFailure) {
        guard let run = waiting(place, attempt: attempt) else { return }
        let at = now.wallMillis
        change(run) { machine, out, random in
            machine.undecided(place.step, failure, at: at, random: random, into: &out)
        }
    }

    mutating func ballotOutputReady(_ place: StepPlace, attempt: Int, _ output: Payload) {
        guard let run = waiting(place, attempt: attempt) else { return }
        let bytes = output.bytes.count
        let at = now.wallMillis
        if let failure = runs[run].machine.refusal(ofOutputBytes: bytes) {
            return change(run) { machine, out, _ in
                machine.startFailed(place.step, failure, at: at, into: &out)
            }
        }
        let id = newPayload(output, run: place.run)
        change(run) { machine, out, _ in
            machine.decided(place.step, id, bytes: bytes, at: at, into: &out)
        }
    }

    /// The run in memory, if the step still waits for this attempt's ballot; paused or not.
    private mutating func waiting(_ place: StepPlace, attempt: Int) -> Int32? {
        guard let run = runIndex[place.run], !runs[run].machine.state.status.isClosed,
            runs[run].machine.isScheduled(place.step, attempt: attempt)
        else { return nil }
        return run
    }

    /// The step is stopped: so is its ballot.
    mutating func stopBallot(_ run: Int32, _ step: Int) {
        stopWaiting(run, step)
        let place = StepPlace(run: runs[run].machine.state.id, step: step)
        guard let ticket = ballots.ofSteps.removeValue(forKey: place) else { return }
        forgetOwn(ticket.call)
    }
}

extension BallotOutcome {
    /// Why nothing was decided, as a step's failure.
    var failure: StepFailure {
        let percent = { (share: Double) in "\(Int((share * 100).rounded())) %" }
        let (type, what): (String, String) =
            switch verdict.reason {
            case .noQuorum, nil:
                ("ballot_no_quorum", "\(percent(verdict.quorum)) of the weight answered")
            case .noSupport:
                ("ballot_no_support", "the first has \(percent(verdict.support)) of the answers")
            case .tie: ("ballot_tie", "two or more are first")
            case .notUnanimous:
                ("ballot_not_unanimous", "there are \(verdict.clusters.count) different answers")
            case .cycle: ("ballot_cycle", "no option beats all others")
            }
        return StepFailure(
            type: type, message: "the voters have not decided: \(what)", retryable: true)
    }

    /// What was decided, as a payload; `nil`: nothing was.
    public var result: Payload? {
        switch verdict.result {
        case .answer(let voter): return answers[voter]
        case .option(let option): return Payload(bytes: Array(option.utf8))
        case .number(let number):
            var writer = JSONWriter()
            writer.double(number)
            return Payload(bytes: writer.finish())
        case nil: return nil
        }
    }

    /// A step's output. O(bytes).
    var output: Payload {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("result")
        let bytes = result?.bytes ?? []
        if let document = try? JSONDocument(parsing: bytes) {
            writer.value(document.root)
        } else {
            writer.string(String(decoding: bytes, as: UTF8.self))
        }
        for (name, share) in [
            ("support", verdict.support), ("margin", verdict.margin),
            ("confidence", verdict.confidence), ("agreement", verdict.agreement),
        ] {
            writer.key(name)
            writer.double(share)
        }
        let voted = ballot.states.indices.filter { answers[$0] != nil }
        writer.key("voters")
        writer.integer(ballot.voters.count)
        writer.key("answered")
        writer.integer(voted.count)
        writer.key("dissenters")
        writer.beginArray()
        for voter in voted where !verdict.backers.contains(voter) {
            if case .answered = ballot.states[voter] { writer.string(ballot.voters[voter].name) }
        }
        writer.endArray()
        if !ballot.rules.series.isEmpty {
            writer.key("decision")
            writer.string(requestID)
        }
        writer.endObject()
        return Payload(bytes: writer.finish())
    }
}
