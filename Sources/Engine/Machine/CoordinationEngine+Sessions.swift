import Coordination

/// Remote instances: how their sessions begin, go on and end.
extension CoordinationEngine {
    mutating func session(_ command: SessionCommand) {
        switch command {
        case .hello(let hello, let port): self.hello(hello, port)
        case .heard(let news, let port): heard(news, port)
        case .dropped(let port): dropped(port)
        case .left(let port): left(port)
        case .unsent(let count, let port): unsent(count, port)
        case .result(let result, let port): remoteResult(result, port)
        }
    }

    // MARK: Beginning

    private mutating func hello(_ hello: SessionHello, _ port: PortNumber) {
        if takenUp < recovering.count, !hello.held.isEmpty {
            // What it holds may belong to a run that is not taken up yet.
            return waitingHellos.append(WaitingHello(hello: hello, port: port))
        }
        if let session = resumed(by: hello) {
            let type = pool.type(of: sessions[session].agent)
            if pool.name(ofType: type) == hello.registration.type {
                return resume(session, hello, port)
            }
            // It does other work from now on: that is a new session.
            supersede(session)
        }
        if let refusal = refusal(of: hello) {
            return ready[port.rawValue].notices.append(.refused(refusal))
        }
        begin(hello, port)
    }

    /// The session that a worker goes on with, or ends by doing other work under its id.
    private mutating func resumed(by hello: SessionHello) -> Int32? {
        guard let id = hello.resume, let session = sessionIndex[id] else { return nil }
        let agent = pool.id(of: sessions[session].agent)
        return hello.hasMadeID || agent == hello.registration.id ? session : nil
    }

    /// All restored runs are taken up: those who waited for that are welcomed.
    mutating func takeWaitingHellos() {
        let waiting = waitingHellos
        waitingHellos = []
        for one in waiting {
            hello(one.hello, one.port)
            settle()
            heard(one.news, one.port)
            settle()
        }
    }

    private mutating func refusal(of hello: SessionHello) -> SessionRefusal? {
        if isDraining { return .draining }
        if sessions.count >= limits.maxSessions { return .tooMany(limits.maxSessions) }
        let type = hello.registration.type
        if !hasRoom(forType: type) { return .tooManyTypes(type, limits.maxAgentTypes) }
        guard let other = pool.agent(hello.registration.id) else { return nil }
        let session = pool.session(of: other)
        let isThere = session < 0 || sessions[session].machine.isConnected
        return isThere ? .idTaken(hello.registration.id) : nil
    }

    private mutating func begin(_ hello: SessionHello, _ port: PortNumber) {
        // A dropped session of the same instance, which has begun anew.
        let old = pool.agent(hello.registration.id)
        if let old { close(old) }
        _ = requireType(named: hello.registration.type)
        let agent = pool.join(hello.registration, port: port.rawValue)
        pool.hold(agent, .noCredit)
        lastSession += 1
        let id = SessionID(serial: Serial(rawValue: lastSession), secret: hello.secret)
        let machine = AgentSession(
            id: id, leaseNanos: Int64(hello.leaseMillis) * 1_000_000, connection: port.rawValue,
            at: now.monotonicNanos)
        let session = sessions.insert(
            SessionCell(machine: machine, agent: agent, leaseMillis: hello.leaseMillis))
        sessions[session].timer = timers.insert(.session(session), key: machine.expiresAtNanos)
        sessionIndex[id] = session
        sessionOfPort[port.rawValue] = session
        pool.setSession(session, of: agent)
        if isUnbounded(hello.registration) { pool.setRoom(0, of: agent) }
        joined(agent)
        welcome(session, port, isResumed: false)
        // The new one stands before the old one's work is placed anew: it may be the only one.
        if let old { giveUp(old) }
        claim(hello.held, session, port)
    }

    private mutating func welcome(_ session: Int32, _ port: PortNumber, isResumed: Bool) {
        let cell = sessions[session]
        ready[port.rawValue].notices.append(
            .welcome(
                SessionWelcome(
                    session: cell.machine.id, agent: pool.id(of: cell.agent),
                    leaseMillis: cell.leaseMillis, isResumed: isResumed, modes: shownModes)))
    }

    /// The worker speaks on another connection from now on.
    private mutating func supersede(_ session: Int32) {
        guard let old = sessions[session].machine.connection else { return }
        ready[old].notices.append(.superseded)
        _ = sessions[session].machine.dropped(connection: old)
    }

    /// The worker is back: what it does not hold any more is lost, what it holds goes on.
    private mutating func resume(_ session: Int32, _ hello: SessionHello, _ port: PortNumber) {
        let agent = sessions[session].agent
        supersede(session)
        sessionOfPort[pool.port(of: agent)] = nil
        sessionOfPort[port.rawValue] = session
        pool.setPort(port.rawValue, of: agent)
        pool.hold(agent, .noCredit)
        pool.release(agent, .disconnected)
        let isDraining = pool.holds(of: agent).contains(.draining)
        apply(isolator.wentAway(agent, isDraining, at: now))
        let (lost, unknown) = sessions[session].machine.resumed(
            connection: port.rawValue, holding: hello.held, at: now.monotonicNanos)
        var registration = hello.registration
        registration.id = pool.id(of: agent)
        reregister(agent, registration)
        agentChanged(agent)
        welcome(session, port, isResumed: true)
        if isDraining { tellDrain(session) }
        tellWatched(session, port)
        let id = pool.id(of: agent)
        for token in lost {
            guard let job = tokens[token.serial.rawValue], jobs[job].agent == agent else {
                continue
            }
            judgeLoss(job)
            self.lost(job, id)
        }
        claim(unknown, session, port)
    }

    /// A worker that is back may have other operations or slots than before. What it holds goes on.
    private mutating func reregister(_ agent: Int32, _ registration: AgentRegistration) {
        let old = pool.registration(of: agent)
        if old == registration { return }
        let type = pool.type(of: agent)
        let slots = pool.slots(of: agent)
        pool.reregister(agent, registration)
        let shown = sessions[pool.session(of: agent)].machine.room
        let room = isUnbounded(registration) ? shown : AgentPool.unmeasured
        pool.setRoom(room, of: agent)
        meter.slotsCame(
            pool.slots(of: agent) - slots, type: type, atNanos: now.monotonicNanos)
        if old.operations == registration.operations { return }
        for job in pool.waitingOnly(for: agent) {
            guard case .invoke(let part) = jobs[job].work else { continue }
            detach(job)
            placeInvoke(job, part.invoke, part.ticket, isProbe: part.isProbe)
        }
        rejectForsaken(old.operations, type)
    }

    /// The new connection is told who watches the progress of what goes on.
    private mutating func tellWatched(_ session: Int32, _ port: PortNumber) {
        for token in sessions[session].machine.held.sorted() {
            guard let job = tokens[token.serial.rawValue],
                case .invoke(let part) = jobs[job].work,
                let watcher = part.invoke.extras?.progress
            else { continue }
            ready[port.rawValue].notices.append(
                .watched(token, watcher, attempt: jobs[job].attempts))
        }
    }

    /// Work that an earlier process gave to the worker: what it still holds goes on, the rest is
    /// lost.
    private mutating func claim(
        _ named: [AssignmentToken], _ session: Int32, _ port: PortNumber
    ) {
        let agent = sessions[session].agent
        for token in Set(named).sorted() {
            guard let job = tokens[token.serial.rawValue], jobs[job].phase == .orphaned,
                case .step(let run, let step) = jobs[job].work,
                runs[run].machine.state.steps[step].holder?.agent == pool.id(of: agent)
            else {
                tell(.stale(token), port)
                continue
            }
            _ = pool.takeSlot(of: agent, beyondLimit: true)
            hold(job, agent)
            measureGrant(job, agent)
            jobs[job].wantedNanos = -1
            // It may be of the backup type of the step's.
            jobs[job].type = pool.type(of: agent)
            jobs[job].grantPort = port.rawValue
            jobs[job].phase = .running
            orphans.remove(token.serial.rawValue)
            sessions[session].machine.claimed(token)
            measureRoom(session)
            let definition = runs[run].machine.state.work(of: step).definition
            let deadline = restoredDeadline(
                run, step, definition.startToCloseMillis,
                graceMillis: Int64(sessions[session].leaseMillis))
            jobs[job].deadlineNanos = deadline
            jobs[job].heardNanos = now.monotonicNanos
            jobs[job].grantedNanos = now.monotonicNanos
            arm(job, atNanos: min(deadline, silenceEnd(of: job, definition)))
        }
        loseOrphans(of: pool.id(of: agent))
    }

    // MARK: Ending

    private mutating func dropped(_ port: PortNumber) {
        waitingHellos.removeAll { $0.port == port }
        guard let session = sessionOfPort[port.rawValue],
            sessions[session].machine.dropped(connection: port.rawValue)
        else { return }
        let agent = sessions[session].agent
        pool.hold(agent, .disconnected)
        apply(isolator.wentAway(agent, true, at: now))
        agentChanged(agent)
    }

    private mutating func left(_ port: PortNumber) {
        waitingHellos.removeAll { $0.port == port }
        guard let session = sessionOfPort[port.rawValue] else { return }
        end(session)
    }

    /// The lease may have ended; whatever was heard since the timer was set has moved its end.
    mutating func leaseDue(_ session: Int32) {
        sessions[session].timer = -1
        let machine = sessions[session].machine
        if machine.isExpired(at: now.monotonicNanos) {
            if let port = machine.connection { ready[port].notices.append(.expired) }
            leaveToNextProcess(sessions[session].agent)
            end(session)
        } else {
            sessions[session].timer = timers.insert(
                .session(session), key: machine.expiresAtNanos)
        }
    }

    private mutating func end(_ session: Int32) {
        let agent = sessions[session].agent
        close(agent)
        giveUp(agent)
    }

    /// Takes an instance out of the choice, and its session away if it has one. If it was the last
    /// that worked, an isolated one comes back.
    mutating func close(_ agent: Int32) {
        let session = pool.session(of: agent)
        if session >= 0 {
            sessionIndex[sessions[session].machine.id] = nil
            sessionOfPort[pool.port(of: agent)] = nil
            if sessions[session].timer >= 0 { timers.remove(sessions[session].timer) }
            sessions.remove(session)
            pool.setSession(-1, of: agent)
        }
        pool.close(agent)
        let wasIsolated = isolator.isolation(of: agent)?.state == .isolated
        apply(isolator.left(agent, at: now))
        if wasIsolated { noteIsolated(pool.type(of: agent)) }
    }

    /// Tells a connection once everything decided so far is on disk.
    mutating func tell(_ notice: SessionNotice, _ port: PortNumber) {
        if draft.hasRows {
            draft.effects.sessionNotices.append((port.rawValue, notice))
        } else if inFlight != nil {
            inFlightEffects.sessionNotices.append((port.rawValue, notice))
        } else {
            ready[port.rawValue].notices.append(notice)
        }
    }
}

/// A first word that waits until every restored run is taken up, and what was said after it.
struct WaitingHello: Sendable {
    var hello: SessionHello
    var port: PortNumber
    var news = SessionNews()

    /// Keeps what came. At most one result for each assignment that the worker holds; heartbeats
    /// come again.
    ///
    /// - Returns: results of what it does not hold.
    mutating func add(_ later: SessionNews) -> [AssignmentResult] {
        news.credits += later.credits
        news.isDraining = news.isDraining || later.isDraining
        var strange: [AssignmentResult] = []
        for result in later.results {
            let isHeld = hello.held.contains(result.token)
            if isHeld, !news.results.contains(where: { $0.token == result.token }) {
                news.results.append(result)
            } else {
                strange.append(result)
            }
        }
        return strange
    }
}

extension SessionRefusal {
    static let draining = SessionRefusal(
        .draining, "the server is going down; connect to another one, or again after its restart",
        retryAfterMillis: 1_000)

    static func tooMany(_ limit: Int) -> SessionRefusal {
        SessionRefusal(
            .tooMany, "\(limit) remote instances are connected already; let some leave first",
            retryAfterMillis: 10_000)
    }

    static func idTaken(_ id: AgentID) -> SessionRefusal {
        SessionRefusal(
            .idTaken,
            "an instance \"\(id)\" is connected; choose another id, leave it empty to be given one, "
                + "or name its session to resume it", retryAfterMillis: 1_000)
    }
}
