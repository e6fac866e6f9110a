import Coordination

/// Steps in remote hands over a restart: their holders have a whole lease to come back.
extension CoordinationEngine {
    /// A restored attempt that a remote instance may still be working on: its token stands again.
    mutating func awaitHolder(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        guard state.steps[step].state == .running, let token = state.steps[step].token,
            let holder = state.steps[step].holder
        else { return }
        let type = requireType(named: state.work(of: step).definition.agentType)
        let job = jobs.insert(Job(work: .step(run: run, step: step), type: type))
        jobs[job].phase = .orphaned
        jobs[job].token = token.serial.rawValue
        tokens.insert(job, for: token.serial.rawValue)
        orphans.add(token.serial.rawValue, of: holder.agent)
        runs[run].steps[step].job = job
        holdKey(job, state.work(of: step).definition, state.namespace)
        // A worker that names something waits until all runs are taken up: this one named nothing.
        if let agent = pool.agent(holder.agent), pool.session(of: agent) >= 0 {
            return holderLost(job, run, step, isBack: true)
        }
        arm(job, atNanos: monotonicNanos(inMillis: Int64(holder.leaseMillis)))
    }

    /// An instance is there and has named what it holds: what else it held is lost.
    mutating func loseOrphans(of holder: AgentID) {
        for token in orphans.tokens(of: holder) {
            guard let job = tokens[token], case .step(let run, let step) = jobs[job].work else {
                continue
            }
            holderLost(job, run, step, isBack: true)
        }
    }

    // MARK: Going down

    /// Whether a job's remote instance has lost its connection to a server that goes down: that may
    /// be all that keeps it from being heard, and it cannot come back before the start.
    mutating func isCutOffByDrain(_ job: Int32) -> Bool {
        guard isDraining, jobs[job].agent >= 0 else { return false }
        let session = pool.session(of: jobs[job].agent)
        return session >= 0 && !sessions[session].machine.isConnected
    }

    /// The lease of an instance ends that the server has cut off by going down: the attempts in its
    /// hands stay as they are stored, and it has a whole lease to come back with them after the start.
    mutating func leaveToNextProcess(_ agent: Int32) {
        for token in tokensHeld(by: agent) {
            guard let job = tokens[token], jobs[job].agent == agent, jobs[job].phase == .running,
                case .step = jobs[job].work, isCutOffByDrain(job)
            else { continue }
            endStep(job)
        }
    }

    /// The holder's lease has ended without a word of it, or it is back and does not hold it.
    mutating func holderLost(_ job: Int32, _ run: Int32, _ step: Int, isBack: Bool = false) {
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        endStep(job)
        measureFailure(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.holderLost(step, token: token, isBack: isBack, at: at, into: &out)
        }
    }
}
