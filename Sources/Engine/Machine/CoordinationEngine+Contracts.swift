import Coordination
import JSON

/// Conditions and contracts: whether payloads say what they should is found out outside.
extension CoordinationEngine {
    mutating func evaluate(_ run: Int32, _ step: Int) {
        guard runs[run].machine.isEvaluating(step),
            let recipe = runs[run].machine.state.conditionRecipe(of: step)
        else { return }
        ask(recipe, for: .condition(StepPlace(run: runs[run].machine.state.id, step: step)))
    }

    mutating func conditionKnown(
        _ place: StepPlace, _ result: Result<[Payload], StepFailure>
    ) {
        guard let run = runIndex[place.run] else { return }
        let at = now.wallMillis
        switch result {
        case .failure(let failure):
            change(run) { machine, out, _ in
                machine.conditionFailed(place.step, failure, at: at, into: &out)
            }
        case .success(let made):
            let holds = made.first?.bytes == Array("true".utf8)
            change(run) { machine, out, _ in
                machine.conditionKnown(place.step, holds: holds, at: at, into: &out)
            }
        }
    }

    // MARK: Inputs of runs

    /// A start waits until its input is known to fit; one that does not starts nothing.
    mutating func check(
        _ start: StartRun, _ contract: JSONSchema, _ planID: PayloadID, _ ticket: ReplyTicket
    ) {
        if let refusal = refusalOfHolding { return reject(ticket, refusal) }
        held.keep(start, planID, ticket)
        ready.preparations.append(
            Preparation(
                purpose: .startInput(ticket), recipe: .checked(contract, .none),
                loaded: [.none: start.input], missing: []))
    }

    mutating func startChecked(
        _ ticket: ReplyTicket, _ result: Result<[Payload], StepFailure>
    ) {
        // One that is gone belongs to a caller that gave up.
        guard let kept = held.drop(ticket) else { return }
        switch result {
        case .failure(let failure): reject(ticket, .badInput(failure))
        case .success: startRun(kept.start, ticket, checked: kept.planID)
        }
    }

    /// A run that another one, an event or a schedule has started: its input is looked at now.
    mutating func checkInput(of run: Int32) {
        let state = runs[run].machine.state
        guard let contract = state.plan.inputContract else { return }
        ask(.checked(contract, state.input), for: .runInput(state.id))
    }

    mutating func inputChecked(_ id: RunID, _ result: Result<[Payload], StepFailure>) {
        guard let run = runIndex[id] else { return }
        var failure: StepFailure?
        if case .failure(var why) = result {
            why.message = "the input does not fit the workflow's contract: \(why.message)"
            failure = why.bounded
        }
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.inputChecked(failure, at: at, into: &out) }
    }

    // MARK: Outputs of steps

    /// Whether a result has to wait until its output is known to fit its step's contract. Until
    /// then it has not come: should its instance leave or its time end, that counts.
    mutating func isHeldForContract(
        _ job: Int32, _ result: AssignmentResult, from port: PortNumber?
    ) -> Bool {
        if held.results[result.token] != nil {
            repeated(result, from: port)
            return true
        }
        guard case .step(let run, let step) = jobs[job].work,
            case .success(let payload) = result.outcome,
            let contract = runs[run].machine.state.outputContract(of: step),
            runs[run].machine.refusal(ofOutputBytes: payload.bytes.count) == nil
        else { return false }
        held.results[result.token] = HeldResult(result: result, port: port)
        ready.preparations.append(
            Preparation(
                purpose: .stepOutput(result.token), recipe: .checked(contract, .none),
                loaded: [.none: payload], missing: []))
        return true
    }

    /// An assignment has one result, the first. A worker that has connected anew says it again, and
    /// hears there what became of it.
    private mutating func repeated(_ result: AssignmentResult, from port: PortNumber?) {
        if let port, let first = held.results[result.token]?.port, first != port {
            held.results[result.token]?.port = port
        } else if let port {
            refuse(result.token, port)
        } else {
            ready.notices.append(.staleResult)
            meter.staleResult()
        }
    }

    mutating func outputChecked(
        _ token: AssignmentToken, _ checked: Result<[Payload], StepFailure>
    ) {
        guard var kept = held.results.removeValue(forKey: token) else { return }
        if case .failure(let failure) = checked { kept.result.outcome = .failure(failure) }
        if let port = kept.port {
            remoteResult(kept.result, port, isChecked: true)
        } else {
            finished(kept.result, isChecked: true)
        }
    }
}

extension Rejection {
    static func badInput(_ failure: StepFailure) -> Rejection {
        Rejection(
            .invalid, reason: "CONTRACT_VIOLATED",
            "the input does not fit the workflow's contract: \(failure.message)",
            fields: [FieldFault(field: "input", description: failure.message)])
    }
}
