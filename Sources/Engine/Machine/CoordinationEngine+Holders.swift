import Coordination

/// Steps in remote hands over a restart: their holders have a whole lease to come back.
extension CoordinationEngine {
    /// A restored attempt that a remote instance may still be working on: its token stands again.
    mutating func awaitHolder(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        guard state.steps[step].state == .running, let token = state.steps[step].token,
            let holder = state.steps[step].holder
        else { return }
        let type = pool.requireType(named: state.work(of: step).definition.agentType)
        let job = jobs.insert(Job(work: .step(run: run, step: step), type: type))
        jobs[job].phase = .orphaned
        jobs[job].token = token.serial.rawValue
        tokens.insert(job, for: token.serial.rawValue)
        runs[run].steps[step].job = job
        holdKey(job, state.work(of: step).definition, state.namespace)
        arm(job, atNanos: monotonicNanos(inMillis: Int64(holder.leaseMillis)))
    }

    /// The holder's lease has ended without a word of it.
    mutating func holderLost(_ job: Int32, _ run: Int32, _ step: Int) {
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        endStep(job)
        measureFailure(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.holderLost(step, token: token, at: at, into: &out)
        }
    }
}
