import Coordination

/// The way of a workflow step: slot, input, commit, agent, result.
extension CoordinationEngine {
    /// The step may run: it gets a slot or waits for one, up to its start-to-close time.
    mutating func scheduleStep(_ run: Int32, _ step: Int) {
        let definition = runs[run].machine.state.work(of: step).definition
        guard case .invoke = definition.kind else {
            runs[run].steps[step].held = nil
            if awaitsVoters(run, step, definition) { return }
            return preparePart(run, step)
        }
        // Woken twice, it goes once.
        guard runs[run].steps[step].job < 0 else { return }
        guard hasRoom(forType: definition.agentType) else {
            runs[run].steps[step].held = nil
            return partFailed(
                run, step, .tooManyAgentTypes(definition.agentType, limits.maxAgentTypes))
        }
        if definition.concurrency != nil || definition.rate != nil {
            return enterGates(run, step, definition)
        }
        // The time that it was held counts.
        let holdEnd = runs[run].steps[step].held?.endNanos ?? .max
        guard let permits = leave(forStep: step, of: run) else { return }
        let type = working(requireType(named: definition.agentType), definition.operation)
        let job = jobs.insert(Job(work: .step(run: run, step: step), type: type))
        guardJob(job, with: permits)
        runs[run].steps[step].job = job
        let patience = definition.scheduleToStartMillis ?? definition.startToCloseMillis
        arm(job, atNanos: min(holdEnd, startDeadline(run, step, patience)))
        seat(job, priority: definition.priority)
    }

    /// A slot now, or a place in the line for one.
    mutating func seat(_ job: Int32, priority: Int) {
        // It begins after the next start.
        if isDraining { return }
        let type = jobs[job].type
        let operation = operation(of: job)
        measureWish(job)
        if let agent = pool.takeSlot(ofType: type, for: operation) { return grant(job, agent) }
        jobs[job].place = pool.wait(
            job, type: type, operation: operation, priority: priority, isBounded: false,
            namespace: namespace(of: job))
        // A pool's next instance could do it no better, unless it is known to have the operation.
        if pool.hasOperation(operation, ofType: type) { grow(type) }
    }

    /// Whether the time of all attempts together is over before one begins; then the step has failed.
    mutating func isLate(_ run: Int32, _ step: Int) -> Bool {
        let at = now.wallMillis
        guard let failure = runs[run].machine.lateness(of: step, at: at) else { return false }
        if isTakingUp {
            let place = StepPlace(run: runs[run].machine.state.id, step: step)
            restoredTimers.append(.late(place))
            return true
        }
        waitsForNobody(run, step)
        change(run) { machine, out, _ in
            machine.startFailed(step, failure, at: at, into: &out)
        }
        return true
    }

    /// So long from now, but not past the time of all attempts together.
    mutating func attemptDeadline(_ run: Int32, _ step: Int, _ millis: Int64) -> Int64 {
        let own = monotonicNanos(inMillis: millis)
        guard let limit = runs[run].machine.deadline(of: step) else { return own }
        return min(own, monotonicNanos(atWallMillis: limit))
    }

    /// When a step that may run has waited for long enough to begin.
    mutating func startDeadline(_ run: Int32, _ step: Int, _ millis: Int64) -> Int64 {
        guard isTakingUp else { return attemptDeadline(run, step, millis) }
        return restoredDeadline(run, step, millis, graceMillis: limits.returnMillis)
    }

    /// When a limit ends that began in an earlier process: where it would have, but those who work for
    /// the step have a time to come back, or all of the limit where that is shorter.
    mutating func restoredDeadline(
        _ run: Int32, _ step: Int, _ millis: Int64, graceMillis: Int64
    ) -> Int64 {
        let record = runs[run].machine.state.steps[step]
        // Of a running attempt, older builds stored when it was due.
        let since = max(record.notBeforeMillis, record.startedMillis ?? 0)
        let (end, isTooLate) = since.addingReportingOverflow(millis)
        let stored = monotonicNanos(atWallMillis: isTooLate ? .max : end)
        let earliest = max(stored, monotonicNanos(inMillis: graceMillis))
        return min(attemptDeadline(run, step, millis), earliest)
    }

    /// Until when somebody waits for an attempt's result: its run may end before its own time is over.
    mutating func awaited(_ run: Int32, until deadline: Int64) -> Int64 {
        guard let limit = runs[run].machine.state.deadlineMillis else { return deadline }
        let status = runs[run].machine.state.status
        guard status == .running || status == .paused else { return deadline }
        return min(deadline, max(now.monotonicNanos, monotonicNanos(atWallMillis: limit)))
    }

    /// When the silence of a job's agent has lasted too long.
    mutating func silenceEnd(of job: Int32, _ definition: StepDefinition) -> Int64 {
        guard let millis = definition.heartbeatMillis else { return .max }
        let (nanos, isTooLong) = millis.multipliedReportingOverflow(by: 1_000_000)
        let (end, isTooLate) = jobs[job].heardNanos.addingReportingOverflow(nanos)
        return isTooLong || isTooLate ? .max : end
    }

    /// A step's retry or wait goes on at a time.
    mutating func armStep(_ run: Int32, _ step: Int, atMillis millis: Int64) {
        let state = runs[run].machine.state.steps[step].state
        guard state == .waitingRetry || state == .waiting else { return }
        if isTakingUp {
            let place = StepPlace(run: runs[run].machine.state.id, step: step)
            return restoredTimers.append(.step(place, atMillis: millis))
        }
        if runs[run].steps[step].timer >= 0 { timers.remove(runs[run].steps[step].timer) }
        runs[run].steps[step].timer = timers.insert(
            .step(run: run, step: step), key: monotonicNanos(atWallMillis: millis))
    }

    /// The step has a slot: its input is taken as it is, or made outside.
    mutating func prepareStep(_ job: Int32, _ run: Int32, _ step: Int) {
        // The mode may have changed while it waited for a slot.
        if !definitionRuns(run, step) {
            endStep(job)
            if !isGovernedByMode(run, step) { scheduleStep(run, step) }
            return
        }
        jobs[job].phase = .preparing
        let state = runs[run].machine.state
        let recipe = state.inputRecipe(of: step)
        if case .whole(let id) = recipe, let payload = payloads[id] {
            return inputReady(job, run, step, payload)
        }
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        ask(recipe, for: .stepInput(token))
    }

    /// Asks the shell to make a payload.
    mutating func ask(_ recipe: PayloadRecipe, for purpose: Preparation.Purpose) {
        var loaded: [PayloadID: Payload] = [:]
        var missing: [PayloadID] = []
        for id in recipe.sources {
            if let payload = payloads[id] { loaded[id] = payload } else { missing.append(id) }
        }
        ready.preparations.append(
            Preparation(purpose: purpose, recipe: recipe, loaded: loaded, missing: missing))
    }

    mutating func prepared(_ outcome: Preparation.Outcome) {
        switch outcome.purpose {
        case .stepInput(let token):
            // A token that is gone belongs to a step that was stopped, or whose agent left.
            guard let job = tokens[token.serial.rawValue], jobs[job].phase == .preparing,
                case .step(let run, let step) = jobs[job].work
            else { return }
            switch outcome.result {
            case .success(let made):
                if let payload = made.first { inputReady(job, run, step, payload) }
            case .failure(let failure): startFailed(job, run, step, failure)
            }
        case .loopEnd(let place, let attempt):
            loopEndKnown(place, attempt: attempt, outcome.result)
        case .cachedInput(let place, let attempt):
            cachedInputReady(place, attempt: attempt, outcome.result)
        case .vote(let ballot, let serial, let voter):
            guard case .reading(let reading) = outcome.made else { return }
            voteRead(ballot, serial: serial, voter, reading)
        case .batch(let batch, let serial, let number):
            if let made = outcome.made { batchMade(batch, serial: serial, number, made) }
        case .ballotOutput(let place, let attempt):
            if case .joined(let payload) = outcome.made {
                ballotOutputReady(place, attempt: attempt, payload)
            }
        case .truth(let ticket):
            guard case .reading(let reading) = outcome.made else { return }
            truthRead(ticket, reading)
        case .condition(let place): conditionKnown(place, outcome.result)
        case .startInput(let ticket): startChecked(ticket, outcome.result)
        case .runInput(let id): inputChecked(id, outcome.result)
        case .stepOutput(let token): outputChecked(token, outcome.result)
        case .runResult(let id):
            guard let run = runIndex[id] else { return }
            resultPrepared(run, outcome.result)
        case .successor(let id, _): successorPrepared(id, outcome.result)
        case .partInput(let place, let attempt):
            partPrepared(place, attempt: attempt, outcome.result, isList: false)
        case .elements(let place, let attempt):
            partPrepared(place, attempt: attempt, outcome.result, isList: true)
        case .collected(let place, let attempt):
            collected(place, attempt: attempt, outcome.result)
        }
    }

    /// The attempt begins: its start is committed, then the agent hears of it.
    private mutating func inputReady(
        _ job: Int32, _ run: Int32, _ step: Int, _ payload: Payload
    ) {
        if !isReachable(job) { return placeAnew(job) }
        if let late = runs[run].machine.lateness(of: step, at: now.wallMillis) {
            return startFailed(job, run, step, late)
        }
        jobs[job].phase = .committing
        disarm(job)
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        let agent = pool.id(of: jobs[job].agent)
        let lease = leaseMillis(of: job)
        noteInput(run, step, token, payload)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.dispatched(
                step, token: token, agent: agent, leaseMillis: lease, at: at, into: &out)
        }
        draft.effects.dispatches.append(
            HeldDispatch(token: token.serial.rawValue, payload: payload))
    }

    private mutating func startFailed(
        _ job: Int32, _ run: Int32, _ step: Int, _ failure: StepFailure
    ) {
        endStep(job)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.startFailed(step, failure, at: at, into: &out)
        }
    }

    // MARK: How it ends

    mutating func stepFinished(
        _ job: Int32, _ run: Int32, _ step: Int, _ result: AssignmentResult
    ) {
        let remembered = stepCache.isIdle ? nil : stepCache.keys[result.token]
        endStep(job)
        let at = now.wallMillis
        switch result.outcome {
        case .failure(let failure):
            measureFailure(run, step)
            _ = change(run) { machine, out, random in
                machine.failureReceived(
                    step, token: result.token, failure, at: at, random: random, into: &out)
            }
        case .success(let payload):
            forgetRecorded(run, step)
            let bytes = payload.bytes.count
            let state = runs[run].machine.state
            let isTaken = runs[run].machine.refusal(ofOutputBytes: bytes) == nil
            if isTaken { measureSuccess(run, step) } else { measureFailure(run, step) }
            // A refused output is not stored; its id goes nowhere.
            let id = isTaken ? newPayload(payload, run: state.id) : state.input
            if isTaken, let remembered { remember(payload, as: remembered) }
            _ = change(run) { machine, out, _ in
                machine.outputReceived(
                    step, token: result.token, output: id, bytes: bytes, at: at, into: &out)
            }
        }
    }

    /// No instance came in time, or no result did.
    mutating func stepTimedOut(_ job: Int32, _ run: Int32, _ step: Int) {
        switch jobs[job].phase {
        case .running: attemptTimedOut(job, run, step)
        case .waiting:
            let key = keyWaitedFor(by: job)
            let limit = limitOfStart(run, step)
            let failure: StepFailure = key.map { .keyNotFree($0, limit) } ?? notPlaced(job, limit)
            startFailed(job, run, step, failure)
        case .preparing: startFailed(job, run, step, .notPrepared(limitOfStart(run, step)))
        case .orphaned: isDraining ? endStep(job) : holderLost(job, run, step)
        case .committing: break
        }
    }

    /// Why a job was in line for too long: nobody there has its operation, or none had a free slot.
    private mutating func notPlaced(_ job: Int32, _ limit: String) -> StepFailure {
        let type = jobs[job].type
        let operation = operation(of: job)
        let name = pool.name(ofType: type)
        guard pool.aliveCount(type: type) > 0, !pool.hasOperation(operation, ofType: type) else {
            return .noAgent(name, limit)
        }
        let known = pool.operations(ofType: type).map(\.name)
        return .unknownOperation(operation, of: name, known: known)
    }

    private mutating func attemptTimedOut(_ job: Int32, _ run: Int32, _ step: Int) {
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        let isSilence = now.monotonicNanos < jobs[job].deadlineNanos
        cancelAssignment(job)
        endStep(job)
        measureFailure(run, step)
        let at = now.wallMillis
        change(run) { machine, out, random in
            machine.stepTimedOut(
                step, token: token, isSilence: isSilence, at: at, random: random, into: &out)
        }
    }

    /// Which limit ends a step that has not begun, for people.
    mutating func limitOfStart(_ run: Int32, _ step: Int) -> String {
        let definition = runs[run].machine.state.work(of: step).definition
        if let millis = definition.scheduleToCloseMillis,
            runs[run].machine.lateness(of: step, at: now.wallMillis) != nil
        {
            return "schedule_to_close of \(millis) ms"
        }
        if let millis = definition.scheduleToStartMillis {
            return "schedule_to_start of \(millis) ms"
        }
        return "start_to_close of \(definition.startToCloseMillis) ms"
    }

    /// The whole time of the step ended while its start was being written: nobody is told to begin.
    mutating func passedBeforeHandover(_ job: Int32, _ run: Int32, _ step: Int) {
        attemptTimedOut(job, run, step)
        settle()
    }

    /// The instance works on it no more. An attempt that was never committed is simply placed anew.
    mutating func stepLost(_ job: Int32, _ run: Int32, _ step: Int, _ loss: AgentLoss) {
        let phase = jobs[job].phase
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        if phase == .preparing { return placeAnew(job) }
        endStep(job)
        measureFailure(run, step)
        let at = now.wallMillis
        let loss = isDraining && loss == .left ? .shutdown : loss
        change(run) { machine, out, _ in
            machine.agentLost(step, token: token, loss, at: at, into: &out)
        }
    }

    /// An attempt that was never committed gets another slot, or waits for one.
    private mutating func placeAnew(_ job: Int32) {
        guard case .step(let run, let step) = jobs[job].work else { return }
        detach(job)
        jobs[job].phase = .waiting
        let priority = runs[run].machine.state.work(of: step).definition.priority
        seat(job, priority: priority)
    }

    /// The run has ended or the step is not wanted any more.
    mutating func stopStep(_ run: Int32, _ step: Int) {
        let cell = runs[run].steps[step]
        if cell.timer >= 0 {
            timers.remove(cell.timer)
            runs[run].steps[step].timer = -1
        }
        if cell.isListening { stopListening(run, step) }
        stopHolding(run, step)
        if !ballots.hasNoSteps { stopBallot(run, step) }
        if !parked.isEmpty { forgetPark(run, step) }
        guard cell.job >= 0 else { return }
        cancelAssignment(cell.job)
        endStep(cell.job)
    }

    /// The run is paused: a step that has not begun leaves its place.
    mutating func holdStep(_ run: Int32, _ step: Int) {
        if runs[run].steps[step].timer >= 0 {
            timers.remove(runs[run].steps[step].timer)
            runs[run].steps[step].timer = -1
        }
        stopHolding(run, step)
        if !ballots.waiting.isEmpty { stopWaiting(run, step) }
        let job = runs[run].steps[step].job
        guard job >= 0, runs[run].machine.state.steps[step].state == .scheduled else { return }
        endStep(job)
    }

    /// Forgets a step's job together with its slot, place and timer.
    mutating func endStep(_ job: Int32) {
        guard case .step(let run, let step) = jobs[job].work else { return }
        dropPermits(of: job)
        if !stepCache.isIdle {
            stepCache.keys[AssignmentToken(serial: Serial(rawValue: jobs[job].token))] = nil
        }
        detach(job)
        disarm(job)
        if !keys.jobs.isEmpty { leaveGates(job) }
        jobs.remove(job)
        runs[run].steps[step].job = -1
    }
}

extension StepFailure {
    static func unknownOperation(
        _ operation: String, of type: String, known: [String]
    ) -> StepFailure {
        StepFailure(
            type: "unknown_operation",
            message:
                "no instance of agent type \"\(type)\" that has operation \"\(operation)\" came "
                + "in time; those that are there have "
                + known.sorted().joined(separator: ", "), retryable: false)
    }

    static func noAgent(_ type: String, _ limit: String) -> StepFailure {
        StepFailure(
            type: "no_agent",
            message: "no instance of agent type \"\(type)\" had a free slot within the step's "
                + "\(limit); start one, or raise that", retryable: false)
    }

    static func keyNotFree(_ key: String, _ limit: String) -> StepFailure {
        StepFailure(
            type: "key_not_free",
            message: "key \"\(key)\" had no room within the step's \(limit); raise the key's "
                + "limit, or that", retryable: false)
    }

    static func notPrepared(_ limit: String) -> StepFailure {
        StepFailure(
            type: "input_not_prepared",
            message: "the step's input could not be made within its \(limit)", retryable: false)
    }
}
