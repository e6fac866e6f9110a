import Coordination

/// Instances that finish what they have and leave.
extension CoordinationEngine {
    /// Somebody wants an instance to go. Its worker is told each time: it may have missed the last.
    mutating func drainAgent(_ id: AgentID, reason: String, _ ticket: ReplyTicket) {
        guard let agent = pool.agent(id) else {
            return reject(ticket, .unknownAgent(id))
        }
        let session = pool.session(of: agent)
        if session < 0, isIrreplaceable(agent) {
            return reject(ticket, .irreplaceable(id))
        }
        beginDraining(agent)
        if session >= 0 {
            sessions[session].drainReason = reason
            tellDrain(session)
        }
        answer(ticket, .agents([summary(agent)]), seen: isolationChangedIn)
        leaveIfDrained(agent)
    }

    /// Tells a worker that is connected and that somebody wants to go.
    mutating func tellDrain(_ session: Int32) {
        guard let reason = sessions[session].drainReason,
            let port = sessions[session].machine.connection
        else { return }
        ready[port].notices.append(.drainRequested(reason: reason))
    }

    /// Whether an instance of this process is the last of its type and nothing would make another.
    private mutating func isIrreplaceable(_ agent: Int32) -> Bool {
        let type = pool.type(of: agent)
        return !pool.holds(of: agent).contains(.draining) && elastic[type] == nil
            && pool.aliveCount(type: type) == 1
    }

    /// An instance of this process that drains leaves when it holds nothing; a remote one leaves by
    /// its own word.
    mutating func leaveIfDrained(_ agent: Int32) {
        guard pool.holds(of: agent).contains(.draining), pool.session(of: agent) < 0,
            pool.inFlight(of: agent) == 0
        else { return }
        let id = pool.id(of: agent)
        let port = pool.port(of: agent)
        close(agent)
        giveUp(agent)
        ready[port].orders.append(.retire(id))
    }

    /// An instance gets nothing new any more. The last one of its type takes the callers' hope
    /// along: those that wait hear of it.
    mutating func beginDraining(_ agent: Int32) {
        guard !pool.holds(of: agent).contains(.draining) else { return }
        pool.beginDraining(agent)
        let session = pool.session(of: agent)
        if session >= 0 { sessions[session].machine.drains() }
        apply(isolator.wentAway(agent, true, at: now))
        agentChanged(agent)
        for job in pool.waitingOnly(for: agent) {
            guard case .invoke(let part) = jobs[job].work else { continue }
            endInvoke(job)
            reject(part.ticket, .instanceDraining(pool.id(of: agent)))
        }
        let type = pool.type(of: agent)
        grow(type)
        rejectForsaken(pool.registration(of: agent).operations, type)
    }

    // MARK: The server itself

    /// Runs that have not ended.
    public var openRunCount: Int { openRuns }
    /// Plain invokes without an answer.
    public var openInvokeCount: Int { openInvokes }
    /// Items of batches without an outcome that would be lost with the process.
    public var openItemCount: Int { items.items.values.count { !$0.isDurable } }

    /// From now on new work is refused as unavailable and no step begins. What is open goes on, and
    /// callers whose answer cannot come before the next start are told so.
    public mutating func beginDraining() {
        isDraining = true
        lastCallers = open.tickets
        holdSteps()
        drainBatches()
        storeSkipped()
    }

    /// The server goes down: steps in line stay where they are stored, and begin after its start.
    mutating func holdSteps() {
        for type in 0..<Int32(pool.typeCount) {
            for job in pool.waiting(ofType: type) {
                if case .step = jobs[job].work { leaveLine(job) }
            }
        }
    }

    /// Whether a job has not begun because the server goes down, which is nothing to blame it for.
    mutating func isHeldByDrain(_ job: Int32) -> Bool {
        guard isDraining, case .step = jobs[job].work else { return false }
        return jobs[job].phase == .waiting
    }

    // MARK: Watching

    mutating func watchAgents(_ ticket: ReplyTicket) {
        if agentWatchers.count >= limits.maxAgentWatchers {
            return reject(ticket, .tooManyWatching("the agents", limits.maxAgentWatchers))
        }
        agentWatchers.append(ticket)
        open.insert(.watchingAgents, for: ticket)
        let agents = pool.livingAgents.map { summary($0) }
        answer(
            ticket, .agentChange(AgentChange(sequence: agentSequence, .snapshot(agents))),
            seen: isolationChangedIn)
    }

    /// Something about an instance changed that watchers want to know.
    mutating func agentChanged(_ agent: Int32) {
        agentSequence += 1
        votersCame(ofType: pool.type(of: agent))
        if agentWatchers.isEmpty { return }
        tellWatchers(.changed(summary(agent)))
    }

    mutating func agentRemoved(_ id: AgentID, type: String) {
        agentSequence += 1
        tellWatchers(.removed(id, type: type))
    }

    private mutating func tellWatchers(_ kind: AgentChange.Kind) {
        let change = AgentChange(sequence: agentSequence, kind)
        // Every change shows isolations, and none overtakes the one before it.
        for ticket in agentWatchers {
            answer(ticket, .agentChange(change), seen: isolationChangedIn)
        }
    }
}
