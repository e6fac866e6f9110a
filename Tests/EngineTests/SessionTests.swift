import Coordination
import Store
import Testing

@testable import Engine

@Suite struct SessionTests {
    @Test func `a worker is never sent more than its credits`() {
        let rig = RemoteRig()
        #expect(rig.hello(1, credits: 2)?.isResumed == false)
        for _ in 0..<5 { _ = rig.invoke() }
        let first = rig.taken(1)
        #expect(first.count == 2)
        rig.say(1, results: [(first[0].token, "{}")])
        #expect(rig.taken(1).isEmpty, "a result gives back no credit by itself")
        rig.say(1, credits: 1)
        #expect(rig.taken(1).count == 1)
        rig.say(1, credits: 10)
        #expect(rig.taken(1).count == 2)
        #expect(rig.accepted(1) == [first[0].token])
    }

    @Test func `workers hear of a mode when it is on disk, and are given it with their work`() {
        let rig = RemoteRig()
        rig.holdsCommits = true
        #expect(rig.hello(1)?.modes == [])
        let set = SetMode(
            namespace: .default, mode: .emergency, forMillis: nil,
            signature: Signature(actor: "op", reason: "drill", requestID: ""))
        rig.post(.breaker(.setMode(set), rig.ticket()))
        _ = rig.invoke()
        #expect(rig.taken(1).map(\.mode) == [.normal])
        #expect(rig.hello(2, id: "w/2")?.modes == [])
        #expect(rig.modeChanges == [])
        rig.commit()
        let change = ModeChange(namespace: .default, mode: .emergency)
        #expect(rig.modeChanges == [change])
        _ = rig.invoke()
        #expect((rig.taken(1) + rig.taken(2)).map(\.mode) == [.emergency])
        #expect(rig.hello(3, id: "w/3")?.modes == [change])
        let agent = AgentRegistration(id: AgentID("local"), type: "l", operations: [])
        rig.post(.agentsJoined([agent], PortNumber(rawValue: 4)))
        guard case .modeChanged(change) = rig.notices[4]?.first else {
            Issue.record("an instance of the process was told \(rig.notices[4] ?? [])")
            return
        }
    }

    @Test func `a dropped connection keeps its work for the lease, and resumes it`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1) else {
            Issue.record("no welcome")
            return
        }
        let call = rig.invoke()
        let token = rig.taken(1)[0].token
        rig.drop(1)
        rig.pass(millis: 900)
        #expect(rig.answers[call] == nil)
        #expect(rig.hello(2, resume: welcome.session, held: [token])?.isResumed == true)
        rig.pass(millis: 900)
        rig.say(2, results: [(token, "{\"n\":1}")])
        guard case .invoked(let answer) = rig.answers[call]?.first else {
            Issue.record("no answer")
            return
        }
        #expect(answer.attempts == 1)
        #expect(rig.accepted(2) == [token])
    }

    @Test func `what a resumed worker does not name is lost at once`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1, isIdempotent: true) else {
            Issue.record("no welcome")
            return
        }
        let call = rig.invoke()
        let token = rig.taken(1)[0].token
        rig.drop(1)
        _ = rig.hello(2, resume: welcome.session, isIdempotent: true)
        let again = rig.taken(2)
        #expect(again.count == 1)
        #expect(again[0].attempt == 2)
        #expect(again[0].token > token)
        rig.say(2, results: [(again[0].token, "{}")])
        #expect(rig.answers[call]?.count == 1)
    }

    @Test func `a caller is answered when the lease of a dead worker ends`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let call = rig.invoke()
        rig.drop(1)
        rig.pass(millis: 999)
        #expect(rig.answers[call] == nil)
        rig.pass(millis: 1)
        guard case .rejected(let rejection) = rig.answers[call]?.first else {
            Issue.record("no answer")
            return
        }
        #expect(rejection.code == .unavailable)
        #expect(rejection.reason == "INSTANCE_LOST")
        #expect(rig.engine.sessions.count == 0)
        #expect(rig.engine.pool.agentCount == 0)
    }

    @Test func `work that may be repeated goes to another instance when a lease ends`() {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/1", isIdempotent: true)
        let call = rig.invoke()
        let first = rig.taken(1)[0]
        _ = rig.hello(2, id: "w/2", isIdempotent: true)
        rig.pass(millis: 600)
        rig.say(2)
        rig.pass(millis: 400)
        let second = rig.taken(2)
        #expect(second.count == 1)
        #expect(second[0].token > first.token)
        rig.say(1, results: [(first.token, "{\"late\":true}")])
        #expect(rig.stale(1) == [first.token])
        #expect(rig.answers[call] == nil)
        rig.say(2, results: [(second[0].token, "{}")])
        #expect(rig.answers[call]?.count == 1)
    }

    @Test func `a half-open connection ends with its lease, and is told if it can hear`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        for _ in 0..<4 {
            rig.pass(millis: 700)
            rig.say(1)
        }
        #expect(rig.engine.sessions.count == 1)
        rig.pass(millis: 1_000)
        #expect(rig.engine.sessions.count == 0)
        guard case .expired = rig.notices[1]?.last else {
            Issue.record("not told")
            return
        }
    }

    @Test func `an id that is connected is not taken over, one that dropped is`() {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        let call = rig.invoke()
        #expect(rig.taken(1).count == 1)
        #expect(rig.hello(2, credits: 0) == nil)
        guard case .refused(let refusal) = rig.notices[2]?.first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .idTaken)
        rig.drop(1)
        #expect(rig.hello(3, isIdempotent: true)?.isResumed == false)
        let again = rig.taken(3)
        #expect(again.map(\.attempt) == [2])
        rig.say(3, results: [(again[0].token, "{}")])
        #expect(rig.answers[call]?.count == 1)
    }

    @Test func `a session goes on on its newest connection`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1) else {
            Issue.record("no welcome")
            return
        }
        _ = rig.invoke()
        let token = rig.taken(1)[0].token
        _ = rig.hello(2, resume: welcome.session, held: [token])
        guard case .superseded = rig.notices[1]?.last else {
            Issue.record("the old one was not told")
            return
        }
        rig.drop(1)
        _ = rig.invoke()
        #expect(rig.taken(2).count == 1)
        rig.say(1, results: [(token, "{}")])
        #expect(rig.stale(1) == [token], "an old connection speaks for nobody")
    }

    @Test func `a worker that leaves gives its work to others`() {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        _ = rig.invoke()
        #expect(rig.taken(1).count == 1)
        _ = rig.hello(2, id: "w/2", isIdempotent: true)
        rig.post(.session(.left(PortNumber(rawValue: 1))))
        #expect(rig.taken(2).map(\.attempt) == [2])
        #expect(rig.engine.sessions.count == 1)
    }

    @Test func `a worker that is back may have other operations, and keeps what it holds`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1, credits: 1, can: ["work", "old"]) else {
            Issue.record("no welcome")
            return
        }
        let call = rig.invoke()
        let token = rig.taken(1)[0].token
        let named = rig.invoke("old", instance: "w/1")
        let any = rig.invoke("old")
        let stays = rig.invoke(instance: "w/1")
        rig.drop(1)
        let back = rig.hello(2, resume: welcome.session, held: [token], can: ["work", "new"])
        #expect(back?.isResumed == true)
        for lost in [named, any] { #expect(rig.reason(lost) == "OPERATION_NOT_FOUND") }
        #expect(rig.taken(2).map(\.operation) == ["work"])
        #expect(rig.reason(stays) == nil)
        _ = rig.invoke("new")
        #expect(rig.taken(2).map(\.operation) == ["new"])
        rig.say(2, results: [(token, "{}")])
        #expect(rig.answers[call]?.count == 1)
    }

    @Test(arguments: [false, true])
    func `a worker that comes back as another type begins anew`(isDropped: Bool) {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1, isIdempotent: true) else {
            Issue.record("no welcome")
            return
        }
        _ = rig.hello(2, id: "w/2", isIdempotent: true)
        _ = rig.invoke(instance: "w/1")
        let token = rig.taken(1)[0].token
        if isDropped { rig.drop(1) }
        let back = rig.hello(3, resume: welcome.session, held: [token], type: "v")
        #expect(back?.isResumed == false)
        #expect(rig.stale(3) == [token])
        let agent = rig.engine.pool.agent(AgentID("w/1"))
        let type = agent.map { rig.engine.pool.name(ofType: rig.engine.pool.type(of: $0)) }
        #expect(type == "v" && rig.engine.sessions.count == 2)
    }

    @Test func `results of others are not taken`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let call = rig.invoke()
        let token = rig.taken(1)[0].token
        _ = rig.hello(2, id: "w/2")
        rig.say(2, results: [(token, "{}")])
        #expect(rig.stale(2) == [token])
        #expect(rig.answers[call] == nil)
    }
}

@Suite struct SessionStepTests {
    /// The second is lost in a restart, which takes a row: each such run takes room in a batch.
    static let remoteAndLocal = [
        StepDefinition(id: "s", agentType: "w", operation: "work"),
        StepDefinition(id: "t", agentType: "p", operation: "work"),
    ]

    @Test func `a result is accepted when it is on disk`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        #expect(rig.start() != nil)
        let token = rig.taken(1)[0].token
        rig.holdsCommits = true
        rig.say(1, results: [(token, "{}")])
        #expect(rig.accepted(1) == [])
        rig.commit()
        #expect(rig.accepted(1) == [token])
    }

    @Test func `a restarted server waits for the worker, who goes on`() throws {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1), let run = rig.start() else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        try rig.restart()
        rig.pass(millis: 900)
        #expect(rig.state(run)?.steps[0].attempt == 1)
        let again = rig.hello(9, resume: welcome.session, held: [token])
        #expect(again?.isResumed == false)
        rig.pass(millis: 900)
        rig.say(9, results: [(token, "{\"done\":true}")])
        #expect(rig.accepted(9) == [token])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `a restarted server knows the holder also when it is of the backup type`() throws {
        let rig = RemoteRig()
        let own = AgentRegistration(
            id: AgentID("v/1"), type: "v",
            operations: [OperationDescriptor(name: "work", summary: "", isIdempotent: true)],
            slots: 1)
        rig.post(.agentsJoined([own], PortNumber(rawValue: 7)))
        _ = rig.hello(1)
        let by = BreakerEngineTests.by
        let policy = IsolationPolicy(backupType: "w")
        rig.post(
            .isolation(.setPolicy(type: "v", policy, by: by), rig.ticket()),
            .isolation(.isolate(AgentID("v/1"), forMillis: nil, by: by), rig.ticket()))
        let run = try #require(
            rig.start([StepDefinition(id: "s", agentType: "v", operation: "work")]))
        let token = try #require(rig.taken(1).first?.token)
        try rig.restart()
        _ = rig.hello(9, held: [token])
        #expect(rig.stale(9) == [])
        rig.say(9, results: [(token, "{}")])
        #expect(rig.accepted(9) == [token])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `what a worker says before its run is taken up is heard`() throws {
        let rig = RemoteRig()
        rig.joinLocal()
        _ = rig.hello(1)
        let runs = (0..<3).compactMap { _ in rig.start(Self.remoteAndLocal) }
        let tokens = rig.taken(1).map(\.token)
        #expect(runs.count == 3 && tokens.count == 3)
        // One run a batch: one in flight, one filling, and the third waits.
        var limits = EngineLimits()
        limits.maxCommandsPerBatch = 1
        rig.holdsCommits = true
        try rig.restart(limits)
        #expect(rig.hello(9, held: tokens, credits: 0) == nil)
        #expect(rig.hello(10, id: "w/2", held: tokens, credits: 0) == nil)
        rig.say(9, results: [(tokens[2], "{}")], credits: 5)
        rig.post(.session(.left(PortNumber(rawValue: 10))))
        #expect(rig.stale(9) == [])
        rig.holdsCommits = false
        rig.commit()
        rig.settle()
        #expect(rig.accepted(9) == [tokens[2]])
        #expect(rig.state(runs[2])?.steps[0].state == .completed)
        let session = try #require(rig.engine.sessionOfPort[9])
        #expect(rig.engine.sessions[session].machine.credits == 5)
        #expect(rig.engine.sessionOfPort[10] == nil, "it has gone already")
    }

    @Test func `a restarted server gives the work on when nobody comes back`() throws {
        let rig = RemoteRig()
        guard rig.hello(1) != nil, let run = rig.start() else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        try rig.restart()
        _ = rig.hello(2, id: "w/2")
        rig.pass(millis: 999)
        #expect(rig.taken(2).isEmpty)
        rig.say(2)
        rig.pass(millis: 1)
        let again = rig.taken(2)
        #expect(again.map(\.attempt) == [2])
        #expect(rig.state(run)?.steps[0].losses == 1)
        // The old worker is late.
        _ = rig.hello(3, id: "w/1", held: [token])
        #expect(rig.stale(3) == [token])
    }

    @Test func `what a worker that is back does not name is given on at once`() throws {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1), let run = rig.start(), let other = rig.start() else {
            Issue.record("not started")
            return
        }
        let tokens = rig.taken(1).map(\.token)
        try rig.restart()
        _ = rig.hello(2, resume: welcome.session, held: [tokens[0]])
        let again = rig.taken(2)
        #expect(again.map(\.origin?.run) == [other] && again.map(\.attempt) == [2])
        #expect(rig.state(run)?.steps[0].attempt == 1)
        rig.say(2, results: [(tokens[0], "{}"), (again[0].token, "{}")])
        #expect(rig.accepted(2) == [tokens[0], again[0].token])
        rig.say(2, results: [(tokens[1], "{}")])
        #expect(rig.stale(2) == [tokens[1]])
    }

    @Test func `a worker may be back before its run is taken up, and hold nothing`() throws {
        let rig = RemoteRig()
        rig.joinLocal()
        _ = rig.hello(1)
        let runs = (0..<3).compactMap { _ in rig.start(Self.remoteAndLocal) }
        #expect(rig.taken(1).count == 3)
        var limits = EngineLimits()
        limits.maxCommandsPerBatch = 1
        rig.holdsCommits = true
        try rig.restart(limits)
        _ = rig.hello(2)
        #expect(rig.state(runs[2])?.steps[0].attempt == 1)
        rig.holdsCommits = false
        rig.commit()
        rig.settle()
        #expect(Set(rig.taken(2).map(\.origin?.run)) == Set(runs))
    }

    @Test func `nobody but its holder takes an orphan up`() throws {
        let rig = RemoteRig()
        guard rig.hello(1) != nil, rig.start() != nil else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        try rig.restart()
        _ = rig.hello(2, id: "w/2", held: [token])
        #expect(rig.stale(2) == [token])
    }

    @Test func `the next attempt is given the last heartbeat`() {
        let rig = RemoteRig()
        guard rig.hello(1) != nil, rig.start() != nil else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        let details = Payload(bytes: Array("{\"at\":7}".utf8))
        rig.say(1, heartbeats: [AssignmentHeartbeat(token: token, details: details)])
        _ = rig.hello(2, id: "w/2")
        rig.post(.session(.left(PortNumber(rawValue: 1))))
        let again = rig.taken(2)
        #expect(again.first?.extras?.lastHeartbeat == details)
        rig.say(1, heartbeats: [AssignmentHeartbeat(token: token, details: details)])
    }

    @Test func `an attempt whose connection drops before it is told is no loss`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        rig.holdsCommits = true
        let definition = WorkflowDefinition(
            name: "one", version: "1",
            steps: [StepDefinition(id: "s", agentType: "w", operation: "work")])
        rig.post(
            .putDefinition(
                PutDefinition(namespace: .default, definition: definition), rig.ticket()))
        rig.commit()
        let ticket = rig.ticket()
        rig.post(
            .startRun(
                StartRun(
                    namespace: .default, definition: "one", workflowID: "",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail),
                ticket))
        rig.drop(1)
        _ = rig.hello(2, id: "w/2")
        rig.commit()
        rig.settle()
        rig.commit()
        guard case .started(let run, _) = rig.answers[ticket.call]?.first else {
            Issue.record("not started")
            return
        }
        #expect(rig.taken(1).isEmpty)
        #expect(rig.taken(2).map(\.attempt) == [2])
        #expect(rig.state(run)?.steps[0].losses == 0)
    }

    @Test func `an agent that is heard of in time is not blamed, however long it works`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        _ = rig.hello(2, id: "w/2", credits: 0)
        var step = StepDefinition(id: "s", agentType: "w", operation: "work")
        step.heartbeatMillis = 500
        guard let run = rig.start([step]) else { return #expect(Bool(false)) }
        let token = rig.taken(1)[0].token
        for _ in 0..<30 {
            rig.pass(millis: 400)
            let beat = AssignmentHeartbeat(token: token, details: Payload(bytes: []))
            rig.say(1, heartbeats: [beat])
            rig.say(2)
        }
        guard let agent = rig.engine.pool.agent(AgentID("w/1")) else {
            return #expect(Bool(false))
        }
        #expect(rig.engine.isolator.isolation(of: agent)?.consecutiveFailures == 0)
        rig.say(1, results: [(token, "1")])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `chance is not the same twice`() {
        let rig = RemoteRig()
        #expect(Set((0..<100).map { _ in rig.engine.nextRandom() }).count == 100)
    }
}
