import Coordination
import Testing

@Suite struct AgentSessionTests {
    static func token(_ number: UInt64) -> AssignmentToken {
        AssignmentToken(serial: Serial(rawValue: number))
    }

    static let id = SessionID(serial: Serial(rawValue: 7), secret: 9)

    private func session(credits: Int = 0) -> AgentSession {
        var session = AgentSession(id: Self.id, leaseNanos: 100, connection: 1, at: 1_000)
        session.creditsGiven(credits)
        return session
    }

    @Test func `an id reads back from its 32 digits, and nothing else does`() {
        let text = Self.id.description
        #expect(text == "00000000000000070000000000000009")
        #expect(SessionID(text) == Self.id)
        for bad in ["", "7", text + "0", "+" + text.dropFirst(), "x" + text.dropFirst()] {
            #expect(SessionID(bad) == nil, "\(bad)")
        }
    }

    @Test func `silence ends the lease, anything heard extends it`() {
        var session = session()
        #expect(!session.isExpired(at: 1_099))
        #expect(session.isExpired(at: 1_100))
        session.heard(at: 1_050)
        #expect(!session.isExpired(at: 1_149))
        session.heard(at: 1_000)
        #expect(session.expiresAtNanos == 1_150, "a lease never shrinks")
    }

    @Test func `a dropped connection takes its credits along and leaves what is held`() {
        var session = session(credits: 3)
        session.creditTaken()
        session.sent(Self.token(1))
        let isOther = session.dropped(connection: 2)
        #expect(!isOther)
        #expect(session.credits == 2)
        let isOwn = session.dropped(connection: 1)
        #expect(isOwn)
        #expect(session.credits == 0)
        #expect(session.held == [Self.token(1)])
        session.creditsGiven(5)
        #expect(session.credits == 0, "nobody is there who could have given them")
    }

    @Test func `a resumed session tells what was lost from what it never sent`() {
        var session = session(credits: 3)
        for number in [1, 2, 3] as [UInt64] {
            session.creditTaken()
            session.sent(Self.token(number))
        }
        session.settled(Self.token(3))
        _ = session.dropped(connection: 1)
        let (lost, unknown) = session.resumed(
            connection: 4, holding: [Self.token(2), Self.token(9)], at: 1_090)
        #expect(lost == [Self.token(1)])
        #expect(unknown == [Self.token(9)])
        #expect(session.held == [Self.token(2)])
        #expect(session.connection == 4)
        #expect(session.credits == 0)
        #expect(session.expiresAtNanos == 1_190)
    }

    @Test func `a credit goes back only to the connection it came from`() {
        var session = session(credits: 1)
        session.creditTaken()
        session.creditReturned(from: 1)
        #expect(session.credits == 1)
        session.creditTaken()
        _ = session.resumed(connection: 2, holding: [], at: 1_001)
        session.creditReturned(from: 1)
        #expect(session.credits == 0)
    }

    @Test func `credits have a bound`() {
        var session = session(credits: .max)
        #expect(session.credits == AgentSession.maxCredits)
        session.creditsGiven(.max)
        #expect(session.credits == AgentSession.maxCredits)
        session.creditsGiven(-5)
        #expect(session.credits == AgentSession.maxCredits)
    }
}

@Suite struct AgentHoldTests {
    private func pool() -> (AgentPool, Int32, Int32) {
        var pool = AgentPool()
        let operation = OperationDescriptor(name: "o", summary: "", isIdempotent: true)
        let agents = ["t/1", "t/2"].map {
            pool.join(
                AgentRegistration(id: AgentID($0), type: "t", operations: [operation], slots: 2),
                port: 0)
        }
        return (pool, agents[0], agents[1])
    }

    @Test func `a held instance gets nothing until every reason is gone`() throws {
        var (pool, first, second) = pool()
        let type = try #require(pool.type(named: "t"))
        func take() -> Int32? { pool.takeSlot(ofType: type) }
        func takeFirst() -> Bool { pool.takeSlot(of: first) }
        pool.hold(first, .noCredit)
        pool.hold(first, .draining)
        #expect([take(), take()] == [second, second])
        #expect(take() == nil)
        pool.release(first, .noCredit)
        #expect(take() == nil)
        #expect(!takeFirst())
        pool.release(first, .draining)
        #expect([take(), take()] == [first, first])
        pool.freeSlot(of: second)
        pool.hold(second, .isolated)
        pool.freeSlot(of: second)
        #expect(take() == nil, "freeing a slot releases no hold")
        pool.release(second, .isolated)
        #expect(take() == second)
    }
}
