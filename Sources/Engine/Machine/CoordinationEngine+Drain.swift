import Coordination

/// Instances that finish what they have and leave.
extension CoordinationEngine {
    /// Somebody wants an instance to go.
    mutating func drainAgent(_ id: AgentID, reason: String, _ ticket: ReplyTicket) {
        guard let agent = pool.agent(id) else {
            return reject(ticket, .unknownAgent(id))
        }
        if !pool.holds(of: agent).contains(.draining) {
            beginDraining(agent)
            let session = pool.session(of: agent)
            if session >= 0, let port = sessions[session].machine.connection {
                ready[port].notices.append(.drainRequested(reason: reason))
            }
        }
        answer(ticket, .agents([summary(agent)]), seen: isolationChangedIn)
    }

    /// An instance gets nothing new any more. The last one of its type takes the callers' hope
    /// along: those that wait hear of it.
    mutating func beginDraining(_ agent: Int32) {
        guard !pool.holds(of: agent).contains(.draining) else { return }
        pool.beginDraining(agent)
        apply(isolator.wentAway(agent, true, at: now))
        agentChanged(agent)
        for job in pool.waitingOnly(for: agent) {
            guard case .invoke(let part) = jobs[job].work else { continue }
            endInvoke(job)
            reject(part.ticket, .instanceDraining(pool.id(of: agent)))
        }
        let type = pool.type(of: agent)
        if pool.aliveCount(type: type) == 0 { rejectWaiting(ofType: type) }
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
