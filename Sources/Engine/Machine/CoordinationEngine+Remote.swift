import Coordination

/// Work in the hands of remote instances: credits, results, heartbeats.
extension CoordinationEngine {
    // MARK: What they say

    mutating func heard(_ news: SessionNews, _ port: PortNumber) {
        guard let session = sessionOfPort[port.rawValue] else {
            return heardEarly(news, port)
        }
        sessions[session].machine.heard(at: now.monotonicNanos)
        for result in news.results {
            if isVolatile(result) {
                remoteResult(result, port)
                settle()
            } else {
                take(.session(.result(result, port)))
            }
        }
        for heartbeat in news.heartbeats { heard(heartbeat, session, port) }
        if news.isDraining { beginDraining(sessions[session].agent) }
        give(news.credits, session)
    }

    /// No session yet, or none any more.
    private mutating func heardEarly(_ news: SessionNews, _ port: PortNumber) {
        var strange = news.results
        if let waiting = waitingHellos.firstIndex(where: { $0.port == port }) {
            strange = waitingHellos[waiting].add(news)
        }
        for result in strange { refuse(result.token, port) }
    }

    mutating func unsent(_ count: Int, _ port: PortNumber) {
        if let session = sessionOfPort[port.rawValue] { give(count, session) }
    }

    private mutating func give(_ credits: Int, _ session: Int32) {
        guard credits > 0 else { return }
        sessions[session].machine.creditsGiven(credits)
        measureRoom(session)
        guard sessions[session].machine.credits > 0 else { return }
        let agent = sessions[session].agent
        releaseCredit(agent, session)
        agentsToServe.append(agent)
    }

    /// It may be given work again; those who were told that it may not hear of that.
    private mutating func releaseCredit(_ agent: Int32, _ session: Int32) {
        pool.release(agent, .noCredit)
        guard sessions[session].isToldWithoutCredit else { return }
        sessions[session].isToldWithoutCredit = false
        agentChanged(agent)
    }

    mutating func remoteResult(
        _ result: AssignmentResult, _ port: PortNumber, isChecked: Bool = false
    ) {
        guard let session = sessionOfPort[port.rawValue],
            let job = tokens[result.token.serial.rawValue], jobs[job].phase == .running,
            jobs[job].agent == sessions[session].agent
        else { return refuse(result.token, port) }
        var result = result
        result.startedNanos = began(result, job)
        if case .invoke = jobs[job].work {
            finished(result)
            ready[port.rawValue].notices.append(.accepted(result.token))
        } else {
            if !isChecked, isHeldForContract(job, result, from: port) { return }
            finished(result, isChecked: true)
            tell(.accepted(result.token), port)
        }
    }

    /// When a worker began, as far as its word can be true: no earlier than it was told to. One that
    /// says nothing began then.
    private mutating func began(_ result: AssignmentResult, _ job: Int32) -> Int64 {
        let isSaid = result.startedNanos < result.endedNanos
        return isSaid ? max(result.startedNanos, jobs[job].grantedNanos) : jobs[job].grantedNanos
    }

    mutating func refuse(_ token: AssignmentToken, _ port: PortNumber) {
        ready.notices.append(.staleResult)
        meter.staleResult()
        tell(.stale(token), port)
    }

    private mutating func heard(
        _ heartbeat: AssignmentHeartbeat, _ session: Int32, _ port: PortNumber
    ) {
        guard let job = tokens[heartbeat.token.serial.rawValue], jobs[job].phase == .running,
            jobs[job].agent == sessions[session].agent
        else { return tell(.stale(heartbeat.token), port) }
        heard(heartbeat)
    }

    /// Keeps how far a step is; plain invokes hand nothing on.
    mutating func heard(_ heartbeat: AssignmentHeartbeat) {
        guard let job = tokens[heartbeat.token.serial.rawValue] else { return }
        guard case .step(let run, let step) = jobs[job].work else { return }
        jobs[job].heardNanos = now.monotonicNanos
        runs[run].machine.heartbeatReceived(
            step, token: heartbeat.token, heartbeat.details)
    }

    // MARK: Credits

    /// A slot of a remote instance is taken: a credit goes with it, unless it is a probe.
    mutating func takeCredit(_ job: Int32, _ agent: Int32) {
        jobs[job].grantPort = pool.port(of: agent)
        if isProbe(job) { return }
        let session = pool.session(of: agent)
        sessions[session].machine.creditTaken()
        measureRoom(session)
        if sessions[session].machine.credits == 0 { pool.hold(agent, .noCredit) }
    }

    /// A job leaves a remote instance: it holds it no more, or was never told of it.
    mutating func settleHeld(_ job: Int32, _ agent: Int32) {
        let session = pool.session(of: agent)
        if !isProbe(job) { sessions[session].machine.workEnded() }
        if jobs[job].phase == .running {
            let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
            sessions[session].machine.settled(token)
        } else {
            sessions[session].machine.creditReturned(from: jobs[job].grantPort)
            if sessions[session].machine.credits > 0 { releaseCredit(agent, session) }
        }
    }

    private mutating func isProbe(_ job: Int32) -> Bool {
        guard case .invoke(let part) = jobs[job].work else { return false }
        return part.isProbe
    }

    /// Whether the connection on which a job was granted still stands.
    mutating func isReachable(_ job: Int32) -> Bool {
        let session = pool.session(of: jobs[job].agent)
        return session < 0 || sessions[session].machine.connection == jobs[job].grantPort
    }

    /// How long the holder of a job may be silent; `nil`: it lives in this process.
    mutating func leaseMillis(of job: Int32) -> Int? {
        let session = pool.session(of: jobs[job].agent)
        return session < 0 ? nil : sessions[session].leaseMillis
    }

    /// A committed step could not be handed over: its instance's connection is gone.
    mutating func handoverFailed(_ job: Int32, _ run: Int32, _ step: Int) {
        let token = AssignmentToken(serial: Serial(rawValue: jobs[job].token))
        endStep(job)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.handoverFailed(step, token: token, at: at, into: &out)
        }
        settle()
    }
}
