import Coordination
import Testing

@testable import Engine

/// Invokes with something beside the plain call.
@Suite struct InvokeExtrasTests {
    private func invoke(
        _ rig: RemoteRig, _ extras: InvokeExtras, deadline: Int64? = nil,
        type: String = "w", operation: String = "work", payload: String = "1"
    ) -> UInt64 {
        let ticket = rig.ticket()
        rig.post(
            .invoke(
                Invoke(
                    namespace: .default, agentType: type, operation: operation,
                    payload: Payload(bytes: Array(payload.utf8)), deadlineNanos: deadline,
                    arrivedNanos: rig.now.monotonicNanos, extras: extras), ticket))
        return ticket.call
    }

    private func reason(_ rig: RemoteRig, _ call: UInt64) -> String? {
        guard case .rejected(let rejection) = rig.answers[call]?.first else { return nil }
        return rejection.reason
    }

    @Test func `a call waits for an instance up to its time to start`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        rig.post(.session(.left(PortNumber(rawValue: 1))))
        let until = rig.now.monotonicNanos + 500_000_000
        let patient = invoke(rig, InvokeExtras(startByNanos: until))
        let late = invoke(rig, InvokeExtras(startByNanos: until + 1_000_000_000))
        rig.pass(millis: 499)
        #expect(rig.answers[patient] == nil)
        rig.pass(millis: 1)
        #expect(reason(rig, patient) == "NOT_STARTED_IN_TIME")
        _ = rig.hello(2, id: "w/2")
        let work = rig.taken(2)
        #expect(work.count == 1)
        // Begun in time: now only its own deadline counts, and it has none.
        for _ in 0..<4 {
            rig.pass(millis: 600)
            rig.say(2)
        }
        #expect(rig.answers[late] == nil)
        rig.say(2, results: [(work[0].token, "{}")])
        #expect(rig.answers[late]?.count == 1)
    }

    @Test func `keys share the turns inside a priority`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 0)
        for key in ["a", "a", "a", "b"] { _ = invoke(rig, InvokeExtras(fairnessKey: key)) }
        rig.say(1, credits: 2)
        let first = rig.taken(1)
        #expect(first.count == 2)
        // The tokens are given in the order of dispatch; the second turn was b's.
        rig.say(1, credits: 10)
        #expect(rig.taken(1).count == 2)
        #expect(rig.engine.pool.waitingCount == 0)
    }

    @Test func `a key that weighs more has more turns`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 0)
        var keyOfCall: [UInt64: String] = [:]
        for _ in 0..<30 {
            for (key, weight) in [("heavy", 4), ("light", 1)] {
                let extras = InvokeExtras(fairnessKey: key, fairnessWeight: weight)
                keyOfCall[invoke(rig, extras)] = key
            }
        }
        rig.say(1, credits: 20)
        for work in rig.taken(1) { rig.say(1, results: [(work.token, "{}")]) }
        let answered = rig.answers.keys.compactMap { keyOfCall[$0] }
        #expect(answered.count { $0 == "heavy" } == 16)
        #expect(answered.count { $0 == "light" } == 4)
    }

    @Test func `a key prefers the instance it last had, while that has a slot`() {
        let rig = RemoteRig()
        _ = rig.hello(1, id: "w/1", credits: 3)
        _ = rig.hello(2, id: "w/2", credits: 3)
        _ = invoke(rig, InvokeExtras(affinityKey: "k"))
        let home = rig.taken(1).isEmpty ? 2 : 1
        if home == 2 { #expect(rig.taken(2).count == 1) }
        for _ in 0..<2 { _ = invoke(rig, InvokeExtras(affinityKey: "k")) }
        #expect(rig.taken(home).count == 2, "it is the busier one, and still preferred")
        _ = invoke(rig, InvokeExtras(affinityKey: "k"))
        #expect(rig.taken(3 - home).count == 1, "it has no credit left")
    }

    @Test func `a parent is one of the caller's namespace`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        _ = invoke(rig, InvokeExtras())
        let extras = InvokeExtras(parent: rig.taken(1)[0].token)
        let here = invoke(rig, extras)
        let elsewhere = rig.ticket()
        rig.post(
            .invoke(
                Invoke(
                    namespace: Namespace("other"), agentType: "w", operation: "work",
                    payload: Payload(bytes: Array("1".utf8)), deadlineNanos: nil,
                    arrivedNanos: rig.now.monotonicNanos, extras: extras), elsewhere))
        #expect(reason(rig, elsewhere.call) == "PARENT_ENDED")
        #expect(rig.answers[here] == nil && rig.taken(1).count == 1)
    }

    @Test func `a call under a parent has its deadline, and ends with it`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let parent = invoke(
            rig, InvokeExtras(), deadline: rig.now.monotonicNanos + 700_000_000)
        let token = rig.taken(1)[0].token
        let child = invoke(rig, InvokeExtras(parent: token))
        let held = rig.taken(1)
        #expect(held.first?.deadlineNanos == rig.now.monotonicNanos + 700_000_000)
        let grandchild = invoke(rig, InvokeExtras(parent: held[0].token))
        #expect(rig.taken(1).count == 1)
        rig.say(1, results: [(token, "{}")])
        #expect(rig.answers[parent]?.count == 1)
        #expect(reason(rig, child) == "PARENT_ENDED")
        #expect(reason(rig, grandchild) == "PARENT_ENDED")
        #expect(rig.cancelled[1]?.count == 2)
        let orphan = invoke(rig, InvokeExtras(parent: token))
        #expect(reason(rig, orphan) == "PARENT_ENDED")
        #expect(rig.engine.children.isEmpty)
    }

    @Test func `calls on behalf of calls go so deep and no deeper, and end together`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 100)
        var calls = [invoke(rig, InvokeExtras())]
        let first = rig.taken(1)[0].token
        var token = first
        for _ in 1..<64 {
            calls.append(invoke(rig, InvokeExtras(parent: token)))
            guard let next = rig.taken(1).first else { break }
            token = next.token
        }
        #expect(calls.count == 64)
        let refused = invoke(rig, InvokeExtras(parent: token))
        #expect(reason(rig, refused) == "CALLS_TOO_DEEP")
        rig.say(1, results: [(first, "{}")])
        #expect(calls.dropFirst().allSatisfy { reason(rig, $0) == "PARENT_ENDED" })
        #expect(rig.engine.children.isEmpty)
    }

    @Test func `the next attempt of a step gets the answers the last one had`() {
        let rig = RemoteRig()
        _ = rig.hello(1)
        guard rig.start() != nil else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        let first = invoke(rig, InvokeExtras(parent: token, key: "quote"))
        let work = rig.taken(1)
        rig.say(1, results: [(work[0].token, "{\"price\":7}")])
        #expect(rig.answers[first]?.count == 1)
        _ = rig.hello(2, id: "w/2")
        rig.post(.session(.left(PortNumber(rawValue: 1))))
        let again = rig.taken(2)[0]
        #expect(again.attempt == 2)
        let second = invoke(rig, InvokeExtras(parent: again.token, key: "quote"))
        #expect(rig.taken(2).isEmpty, "it was not called again")
        guard case .invoked(let answer) = rig.answers[second]?.first,
            case .success(let payload) = answer.outcome
        else {
            Issue.record("no answer")
            return
        }
        #expect(payload.bytes == Array("{\"price\":7}".utf8))
        let other = invoke(rig, InvokeExtras(parent: again.token, key: "other"))
        #expect(rig.taken(2).count == 1)
        #expect(rig.answers[other] == nil)
    }

    @Test(arguments: [false, true])
    func `an answer under a key is the answer to that call and to no other`(
        isRestarted: Bool
    ) throws {
        let rig = RemoteRig()
        _ = rig.hello(1, can: ["work", "other"])
        #expect(rig.start() != nil)
        var extras = InvokeExtras(parent: rig.taken(1)[0].token, key: "quote")
        let first = invoke(rig, extras)
        rig.say(1, results: [(rig.taken(1)[0].token, "{}")])
        #expect(rig.answers[first]?.count == 1)
        if isRestarted {
            try rig.restart()
            rig.pass(millis: 1_000)
            _ = rig.hello(2, id: "w/2", can: ["work", "other"])
            extras = InvokeExtras(parent: rig.taken(2)[0].token, key: "quote")
        }
        rig.joinLocal()
        for (type, operation) in [("w", "other"), ("p", "work")] {
            let call = invoke(rig, extras, type: type, operation: operation)
            guard case .rejected(let rejection) = rig.answers[call]?.first else {
                Issue.record("another call was answered with what is kept for the first")
                return
            }
            #expect(rejection.code == .invalid && rejection.reason == "CALL_KEY_REUSED")
            #expect(rejection.fields.map(\.field) == ["key"])
        }
        // Its payload may be made anew, with another time in it.
        let again = invoke(rig, extras, payload: "2")
        #expect(rig.answers[again]?.count == 1 && reason(rig, again) == nil)
    }

    @Test
    func
        `an answer under a key outlives a restart, is heard when it is on disk, and goes at the end`()
        throws
    {
        let rig = RemoteRig()
        _ = rig.hello(1)
        guard let run = rig.start() else {
            Issue.record("not started")
            return
        }
        let token = rig.taken(1)[0].token
        rig.holdsCommits = true
        let first = invoke(rig, InvokeExtras(parent: token, key: "quote"))
        let joined = rig.taken(1)
        rig.say(1, results: [(joined[0].token, "{\"price\":7}")])
        let second = invoke(rig, InvokeExtras(parent: token, key: "quote"))
        #expect(rig.answers[first] == nil && rig.answers[second] == nil)
        rig.commit()
        #expect(rig.answers[first]?.count == 1 && rig.answers[second]?.count == 1)
        rig.holdsCommits = false
        #expect(rig.entities.count == 1)

        try rig.restart()
        // Nobody comes back for the attempt, so that its lease ends and another one begins.
        rig.pass(millis: 1_000)
        _ = rig.hello(2, id: "w/2")
        let again = rig.taken(2)[0]
        #expect(again.attempt == 2)
        let third = invoke(rig, InvokeExtras(parent: again.token, key: "quote"))
        #expect(rig.taken(2).isEmpty, "it was not called again")
        guard case .invoked(let answer) = rig.answers[third]?.first,
            case .success(let payload) = answer.outcome
        else {
            Issue.record("no answer")
            return
        }
        #expect(payload.bytes == Array("{\"price\":7}".utf8) && answer.agent.name == "w/1")
        rig.say(2, results: [(again.token, "{}")])
        #expect(rig.state(run) == nil, "it has ended")
        #expect(rig.entities.isEmpty && rig.engine.recorded.isEmpty)
    }

    @Test func `recorded answers of every format are read`() throws {
        let place = StepPlace(run: RunID(serial: Serial(rawValue: 300)), step: 2)
        let payload = Payload(bytes: [123, 125])
        let answer = InvokeAnswer(
            outcome: .success(payload), agent: AgentID("w"), attempts: 1, queueNanos: 5,
            executionNanos: -1, atMillis: 64)
        let question = RecordedCalls.Question(agentType: "t", operation: "o")
        let content: [UInt8] =
            [0xac, 2, 2, 1, 0x6b, 16] + Array("application/json".utf8)
            + [2, 123, 125, 1, 0x77, 1, 10, 1, 0x80, 1]
        let second = [2] + content + [1, 0x74, 1, 0x6f]
        #expect(RecordedCallCodec.encode(place, "k", question, payload, answer) == second)
        for (golden, asked) in [([1] + content, nil), (second, question)] {
            let read = try RecordedCallCodec.decode(golden)
            #expect(read.place == place && read.key == "k" && read.entry.question == asked)
            let known = read.entry.answer
            #expect(known.agent.name == "w" && known.atMillis == 64 && known.attempts == 1)
            #expect(known.queueNanos == 5 && known.executionNanos == -1)
            for length in 0..<golden.count {
                #expect(throws: CodecError.self) {
                    _ = try RecordedCallCodec.decode(Array(golden[..<length]))
                }
            }
        }
    }

    @Test func `recorded answers of late steps and many attempts are read`() throws {
        let place = StepPlace(run: RunID(serial: Serial(rawValue: 300)), step: 1_500)
        let payload = Payload(bytes: [123, 125])
        let answer = InvokeAnswer(
            outcome: .success(payload), agent: AgentID("w"), attempts: 200, queueNanos: 5,
            executionNanos: -1, atMillis: 64)
        let question = RecordedCalls.Question(agentType: "t", operation: "o")
        // Neither the step's index nor the attempts say anything about the bytes that follow.
        let golden: [UInt8] =
            [
                2, 0xac, 2, 0xdc, 11, 1, 0x6b, 16,
            ] + Array("application/json".utf8)
            + [2, 123, 125, 1, 0x77, 0xc8, 1, 10, 1, 0x80, 1, 1, 0x74, 1, 0x6f]
        #expect(RecordedCallCodec.encode(place, "k", question, payload, answer) == golden)
        let read = try RecordedCallCodec.decode(golden)
        #expect(read.place == place && read.key == "k" && read.entry.answer.attempts == 200)
        #expect(read.entry.answer.queueNanos == 5 && read.entry.answer.atMillis == 64)
    }

    @Test func `a server starts on the keyed call of its last element`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 300)
        var fan = StepDefinition(id: "each", agentType: "w", operation: "work")
        fan.kind = .fanOut(FanOutSpec(concurrency: 290))
        let numbers = (0..<290).map { "\($0)" }.joined(separator: ",")
        _ = try #require(rig.start([fan], input: "[\(numbers)]"))
        let last = try #require(rig.taken(1).last { $0.attempt == 1 })
        let call = invoke(rig, InvokeExtras(parent: last.token, key: "quote"))
        rig.say(1, results: [(rig.taken(1)[0].token, "{\"price\":7}")])
        #expect(rig.answers[call]?.count == 1 && rig.entities.count == 1)
        try rig.restart()
        #expect(!rig.engine.recorded.isEmpty)
    }

    @Test func `a draining instance gets nothing new, and its callers hear of it`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 1)
        let held = rig.invoke()
        let waiting = rig.invoke()
        let named = rig.invoke(instance: "w/1")
        rig.post(.drainAgent(AgentID("w/1"), reason: "update", rig.ticket()))
        guard case .drainRequested(let reason) = rig.notices[1]?.last else {
            Issue.record("the worker was not told")
            return
        }
        #expect(reason == "update")
        #expect(self.reason(rig, waiting) == "NO_LIVE_INSTANCE")
        #expect(self.reason(rig, named) == "AGENT_DRAINING")
        rig.say(1, credits: 5)
        let work = rig.taken(1)
        #expect(work.count == 1)
        rig.say(1, results: [(work[0].token, "{}")])
        #expect(rig.answers[held]?.count == 1)
        rig.post(.session(.left(PortNumber(rawValue: 1))))
        #expect(rig.engine.pool.agentCount == 0)
    }

    @Test(arguments: [false, true])
    func `an instance that goes while it holds a call and that call's parent`(isDropped: Bool) {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let parent = invoke(rig, InvokeExtras())
        let child = invoke(rig, InvokeExtras(parent: rig.taken(1)[0].token))
        #expect(rig.taken(1).count == 1)
        if isDropped {
            rig.drop(1)
            rig.pass(millis: 1_001)
        } else {
            rig.post(.session(.left(PortNumber(rawValue: 1))))
        }
        #expect(rig.answers[parent]?.count == 1)
        #expect(reason(rig, child) == "PARENT_ENDED")
        #expect(rig.engine.jobs.count == 0)
    }
}
