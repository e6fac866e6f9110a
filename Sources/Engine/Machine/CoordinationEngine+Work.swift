import Coordination

/// Slots, tokens and results: what plain invokes and workflow steps have in common.
extension CoordinationEngine {
    // MARK: Slots

    /// A slot of `agent` has been taken for `job`.
    mutating func grant(_ job: Int32, _ agent: Int32) {
        if isTurnedBack(job, agent) { return }
        lastToken += 1
        jobs[job].token = lastToken
        hold(job, agent)
        tokens.insert(job, for: lastToken)
        measureGrant(job, agent)
        if pool.session(of: agent) >= 0 { takeCredit(job, agent) }
        switch jobs[job].work {
        case .invoke: dispatchInvoke(job, agent)
        case .step(let run, let step): prepareStep(job, run, step)
        }
    }

    /// Gives the free slots of an instance to what waits.
    mutating func serve(_ agent: Int32) {
        guard pool.isLiving(agent) else { return }
        while let job = pool.next(for: agent) {
            if let place = jobs[job].place { pool.turnTaken(place) }
            leaveLine(job)
            guard pool.takeSlot(of: agent) else { return }
            grant(job, agent)
        }
        if !pool.holds(of: agent).isEmpty { leaveIfDrained(agent) }
    }

    /// The operation that a job calls.
    mutating func operation(of job: Int32) -> String {
        switch jobs[job].work {
        case .invoke(let part): part.invoke.operation
        case .step(let run, let step):
            runs[run].machine.state.work(of: step).definition.operation
        }
    }

    mutating func leaveLine(_ job: Int32) {
        guard let place = jobs[job].place else { return }
        pool.stopWaiting(place, type: jobs[job].type)
        jobs[job].place = nil
    }

    /// Takes a job from wherever it is: out of its line, or off its slot and token.
    mutating func detach(_ job: Int32) {
        leaveLine(job)
        let agent = jobs[job].agent
        if agent < 0 {
            if jobs[job].phase == .orphaned {
                tokens.remove(jobs[job].token)
                orphans.remove(jobs[job].token)
            }
            return
        }
        tokens.remove(jobs[job].token)
        measureRelease(job, agent)
        letGo(job)
        if pool.session(of: agent) >= 0 { settleHeld(job, agent) }
        if !children.isEmpty { endChildren(of: jobs[job].token) }
        pool.freeSlot(of: agent)
        agentsToServe.append(agent)
    }

    /// Tells the agent that nobody waits for the job any more, if it was told to begin. A step's
    /// agent hears of it when the end of the step is on disk.
    mutating func cancelAssignment(_ job: Int32) {
        guard jobs[job].phase == .running, jobs[job].agent >= 0 else { return }
        let port = pool.port(of: jobs[job].agent)
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        switch jobs[job].work {
        case .invoke: ready[port].cancels.append(token)
        case .step: draft.effects.cancels.append((port, token))
        }
    }

    // MARK: Results

    /// - Parameter isChecked: whether its output is known to fit its step's contract, if any.
    mutating func finished(_ result: AssignmentResult, isChecked: Bool = false) {
        guard let job = tokens[result.token.serial.rawValue], jobs[job].phase == .running else {
            ready.notices.append(.staleResult)
            meter.staleResult()
            return
        }
        if !isChecked, isHeldForContract(job, result, from: nil) { return }
        let agent = jobs[job].agent
        let isProbe = isHealthProbe(job)
        // How an instance is says nothing about how it works.
        if isProbe { jobs[job].hasResult = true } else { noteWork(of: agent, result, job) }
        judge(job, result)
        switch jobs[job].work {
        case .invoke(let part): invokeFinished(job, part, result)
        case .step(let run, let step): stepFinished(job, run, step, result)
        }
        // Last, since an instance that is isolated for it loses the work that it still holds.
        if !isProbe { judgeAgent(agent, result.outcome) }
    }

    private mutating func isHealthProbe(_ job: Int32) -> Bool {
        if case .invoke(let part) = jobs[job].work { part.isProbe } else { false }
    }

    private mutating func noteWork(of agent: Int32, _ result: AssignmentResult, _ job: Int32) {
        let nanos = max(0, result.endedNanos - result.startedNanos)
        var isSuccess = true
        if case .failure = result.outcome { isSuccess = false }
        pool.workEnded(agent, isSuccess: isSuccess, busyNanos: nanos)
        measureResult(job, executionNanos: nanos, isFailure: !isSuccess)
        let type = Int(pool.type(of: agent))
        while busyNanos.count <= type { busyNanos.append(0) }
        if busyNanos[type] == 0 { busyTypes.append(Int32(type)) }
        // At least 1, so that a type stands in the list once.
        busyNanos[type] += max(1, nanos)
    }

    mutating func jobTimedOut(_ job: Int32) {
        jobs[job].timer = -1
        if mayBeSilentLonger(job) || isHeldByDrain(job) || isSilencedByDrain(job) { return }
        judgeTimeout(job)
        let agent = agentToBlame(job)
        switch jobs[job].work {
        case .invoke(let part): invokeDeadlinePassed(job, part)
        case .step(let run, let step): stepTimedOut(job, run, step)
        }
        if agent >= 0 { agentFailed(agent) }
    }

    /// The instance that did not do a piece of work in its time; -1: none is to blame. A call that
    /// stood in line for most of its time says nothing about the instance that got it in the end: else
    /// overload would take instances away, too.
    private mutating func agentToBlame(_ job: Int32) -> Int32 {
        guard jobs[job].phase == .running else { return -1 }
        if case .invoke(let part) = jobs[job].work {
            let waited = jobs[job].grantedNanos - part.invoke.arrivedNanos
            let worked = now.monotonicNanos - jobs[job].grantedNanos
            if part.isProbe || waited > worked { return -1 }
        }
        return jobs[job].agent
    }

    /// A step's timer also rings when its agent would have been silent for too long. If it was heard
    /// of since the timer was set, nothing has happened but that the timer is set anew.
    private mutating func mayBeSilentLonger(_ job: Int32) -> Bool {
        guard case .step(let run, let step) = jobs[job].work, jobs[job].phase == .running,
            now.monotonicNanos < jobs[job].deadlineNanos
        else { return false }
        let end = silenceEnd(of: job, runs[run].machine.state.work(of: step).definition)
        guard now.monotonicNanos < end else { return false }
        arm(job, atNanos: min(jobs[job].deadlineNanos, end))
        return true
    }

    /// The silence of an instance that the server has cut off by going down says nothing: the attempt
    /// stays as it is stored.
    private mutating func isSilencedByDrain(_ job: Int32) -> Bool {
        guard case .step = jobs[job].work, jobs[job].phase == .running, isCutOffByDrain(job),
            now.monotonicNanos < jobs[job].deadlineNanos
        else { return false }
        endStep(job)
        return true
    }

    // MARK: Instances

    mutating func agentsJoined(_ agents: [AgentRegistration], _ port: PortNumber) {
        for registration in agents {
            let old = pool.agent(registration.id)
            if let old { close(old) }
            // The new one stands before the old one's work is placed anew: it may be the only one.
            _ = requireType(named: registration.type)
            let agent = pool.join(registration, port: port.rawValue)
            joined(agent)
            if !elastic.isEmpty { elasticJoined(agent) }
            if let old { giveUp(old) }
            agentsToServe.append(agent)
        }
        for change in shownModes { ready[port.rawValue].notices.append(.modeChanged(change)) }
    }

    mutating func agentsLeft(_ ids: [AgentID]) {
        let agents = ids.compactMap { id in
            let agent = pool.agent(id)
            if let agent { close(agent) }
            return agent
        }
        // All are closed before the first one's work is placed: none of it goes to the next to go.
        for agent in agents { giveUp(agent) }
    }

    /// An instance is in the pool: the isolator and the watchers hear of it.
    mutating func joined(_ agent: Int32) {
        meter.slotsCame(
            pool.slots(of: agent), type: pool.type(of: agent), atNanos: now.monotonicNanos)
        apply(isolator.joined(agent, id: pool.id(of: agent), type: pool.type(of: agent), at: now))
        agentChanged(agent)
    }

    /// A closed instance leaves: what waits for it alone and what it holds is placed anew.
    mutating func giveUp(_ agent: Int32) {
        let id = pool.id(of: agent)
        let type = pool.type(of: agent)
        let operations = pool.registration(of: agent).operations
        for job in pool.waitingOnly(for: agent) {
            guard case .invoke(let part) = jobs[job].work else { continue }
            detach(job)
            placeInvoke(job, part.invoke, part.ticket, isProbe: part.isProbe)
        }
        for token in tokensHeld(by: agent) {
            // One lost assignment may have ended others: those that were called on its behalf.
            guard let job = tokens[token], jobs[job].agent == agent else { continue }
            judgeLoss(job)
            lost(job, id)
        }
        meter.slotsCame(-pool.slots(of: agent), type: type, atNanos: now.monotonicNanos)
        meter.agentLeft(agent)
        pool.leave(agent)
        agentRemoved(id, type: pool.name(ofType: type))
        elasticLeft(agent, type)
        rejectForsaken(operations, type)
    }

    mutating func lost(_ job: Int32, _ agent: AgentID, _ loss: AgentLoss = .left) {
        switch jobs[job].work {
        case .invoke(let part): invokeLost(job, part, agent)
        case .step(let run, let step): stepLost(job, run, step, loss)
        }
    }

    /// The last instance of a type is gone: callers hear at once, workflow steps wait on.
    mutating func rejectWaiting(ofType type: Int32) {
        for job in pool.waiting(ofType: type) {
            guard case .invoke(let part) = jobs[job].work, !mayWait(part.invoke) else { continue }
            turnAway(job, part.ticket, noInstance(type))
        }
    }

    /// An instance that had these operations works no more: callers for whom nobody is left hear of
    /// it at once, workflow steps wait on.
    mutating func rejectForsaken(_ operations: [OperationDescriptor], _ type: Int32) {
        if !hasInstances(type) { return rejectWaiting(ofType: type) }
        guard pool.waitingCount(type: type) > 0,
            operations.contains(where: { !pool.hasOperation($0.name, ofType: type) })
        else { return }
        let known = pool.operations(ofType: type).map(\.name)
        for job in pool.waiting(ofType: type) {
            guard case .invoke(let part) = jobs[job].work, !mayWait(part.invoke) else { continue }
            let operation = part.invoke.operation
            if pool.hasOperation(operation, ofType: type) { continue }
            turnAway(
                job, part.ticket,
                .unknownOperation(operation, of: pool.name(ofType: type), known: known))
        }
    }

    /// Tells how long agents of each type worked since the last turn.
    mutating func noteBusyTime() {
        for type in busyTypes {
            ready.notices.append(
                .agentBusy(type: pool.name(ofType: type), nanos: busyNanos[Int(type)]))
            busyNanos[Int(type)] = 0
        }
        busyTypes.removeAll(keepingCapacity: true)
    }
}
