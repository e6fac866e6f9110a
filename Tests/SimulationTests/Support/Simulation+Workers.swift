import Coordination

@testable import Engine

/// Remote instances under faults: dropped and half-open connections, deaths, late and repeated
/// results, servers that come back and do not know them.
extension Simulation {
    static let workerCount = 3
    /// Connections have numbers from here; in-process ports are below.
    static let firstConnection = 1_000

    private func index(of connection: Int) -> Int? {
        workers.firstIndex { $0.connection == connection }
    }

    /// What a worker sends arrives later, or never.
    private func send(_ command: SessionCommand, from index: Int) {
        if workers[index].isHalfOpen { return }
        queue.add(
            .wire(command, incarnation: incarnation), at: after(millis: random.int(0...20)))
    }

    // MARK: The worker

    func connect(_ index: Int) {
        guard engine != nil else { return }
        if workers[index].connection != nil, !workers[index].isHalfOpen { return }
        if workers[index].connection != nil { drop(index) }
        lastConnection += 1
        workers[index].connection = lastConnection
        workers[index].isHalfOpen = false
        workers[index].isWelcome = false
        workers[index].credits = 0
        let worker = workers[index]
        let hello = SessionHello(
            registration: worker.registration, resume: worker.session,
            held: Array(worker.working.keys) + Array(worker.finished.keys),
            leaseMillis: SimulatedWorker.leaseMillis, secret: random.next())
        let command = SessionCommand.hello(hello, PortNumber(rawValue: lastConnection))
        queue.add(.wire(command, incarnation: incarnation), at: after(millis: 1))
        queue.add(.workerBeats(index, connection: lastConnection), at: after(millis: 100))
    }

    /// A sign of life; on the way what was not accepted is sent again.
    func beat(_ index: Int, _ connection: Int) {
        guard workers[index].connection == connection, engine != nil else { return }
        var news = SessionNews()
        if random.chance(0.2) {
            // In an order of their own: that of a dictionary changes with each world.
            news.results = workers[index].finished.sorted { $0.key < $1.key }.map(\.value)
        }
        news.heartbeats = workers[index].working.keys.map {
            AssignmentHeartbeat(token: $0, details: Payload(bytes: Array("\(connection)".utf8)))
        }
        if workers[index].isWelcome {
            news.credits =
                SimulatedWorker.slots - workers[index].working.count
                - workers[index].credits
            news.credits = max(0, news.credits)
            workers[index].credits += news.credits
        }
        say(news, index)
        queue.add(.workerBeats(index, connection: connection), at: after(millis: 100))
    }

    private func say(_ news: SessionNews, _ index: Int) {
        guard let connection = workers[index].connection else { return }
        send(.heard(news, PortNumber(rawValue: connection)), from: index)
    }

    func finish(_ index: Int, _ token: AssignmentToken) {
        guard let assignment = workers[index].working.removeValue(forKey: token) else { return }
        let outcome: AssignmentOutcome =
            random.chance(faults.agentFailure)
            ? .failure(StepFailure(type: "flaky", message: "chance", retryable: true))
            : .success(
                Payload(bytes: Array("{\"got\":".utf8) + assignment.payload.bytes + [0x7d]))
        let result = AssignmentResult(
            token: token, outcome: outcome, startedNanos: now.monotonicNanos,
            endedNanos: now.monotonicNanos + 1_000)
        workers[index].finished[token] = result
        if random.chance(faults.dropResult) { return }
        var news = SessionNews()
        news.results = [result]
        for _ in 0..<(random.chance(faults.duplicateResult) ? 2 : 1) { say(news, index) }
    }

    // MARK: What it hears

    func hear(_ output: PortOutput) {
        for notice in output.notices {
            if case .accepted(let token) = notice, store.isRunning(token) {
                problems.append("a result was accepted before that was on disk")
            }
        }
        for token in output.cancels where store.isRunning(token) {
            problems.append("an assignment was cancelled before that was on disk")
        }
        for assignment in output.dispatches { check(assignment) }
        guard let index = index(of: output.port.rawValue) else { return }
        if output.dispatches.count > workers[index].credits {
            problems.append("a worker was sent more than its credits")
        }
        if workers[index].isHalfOpen { return }
        for notice in output.notices { hear(notice, index) }
        if !output.dispatches.isEmpty, !workers[index].isWelcome {
            problems.append("work came before the welcome")
        }
        for assignment in output.dispatches { take(assignment, index) }
        for token in output.cancels { forget(token, index) }
    }

    private func hear(_ notice: SessionNotice, _ index: Int) {
        switch notice {
        case .welcome(let welcome):
            workers[index].isWelcome = true
            workers[index].session = welcome.session
        case .accepted(let token): workers[index].finished[token] = nil
        case .stale(let token): forget(token, index)
        case .refused, .expired, .superseded: drop(index)
        case .drainRequested, .modeChanged, .watched: break
        }
    }

    private func forget(_ token: AssignmentToken, _ index: Int) {
        workers[index].working[token] = nil
        workers[index].finished[token] = nil
    }

    private func take(_ assignment: Assignment, _ index: Int) {
        workers[index].credits -= 1
        workers[index].working[assignment.token] = assignment
        queue.add(
            .workerWorks(index, assignment.token), at: after(millis: random.int(0...120)))
    }

    // MARK: What goes wrong

    func trouble(_ index: Int) {
        switch random.int(0...3) {
        case 0: workers[index].isHalfOpen = true
        case 1:
            drop(index)
            workers[index].die()
        default: drop(index)
        }
        queue.add(.workerConnects(index), at: after(millis: random.int(1...900)))
    }

    /// The connection breaks: the server may hear of it, or not.
    private func drop(_ index: Int) {
        guard let connection = workers[index].connection else { return }
        workers[index].connection = nil
        queue.add(.workerConnects(index), at: after(millis: random.int(1...300)))
        if random.chance(0.3) { return }
        queue.add(
            .wire(.dropped(PortNumber(rawValue: connection)), incarnation: incarnation),
            at: after(millis: random.int(0...50)))
    }
}
