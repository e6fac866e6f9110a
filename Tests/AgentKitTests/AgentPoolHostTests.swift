import AgentKit
import Coordination
import Testing
import Threads

/// Pools of in-process instances, with the engine's part done by hand.
@Suite struct AgentPoolHostTests {
    /// What a test sees of the instances that were made.
    private final class Log: Sendable {
        private let lines = Locked<[String]>([])
        let made = Locked(0)
        let failsReset = Locked(false)
        let failsMaking = Locked(false)
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct Broken: Error {}

    /// Remembers what it worked on until it is reset.
    private final class Clerk: PooledAgent {
        static let type = "clerk"
        let number: Int
        private let log: Log
        private let desk = Locked<[String]>([])

        init(_ log: Log) throws {
            if log.failsMaking.withLock({ $0 }) { throw Broken() }
            number = log.made.withLock { made in
                made += 1
                return made
            }
            self.log = log
        }

        var operations: [AgentOperation] {
            [
                AgentOperation(raw: "file", "Files a paper; says what is on the desk.") {
                    paper, _ async in
                    let all = self.desk.withLock { desk in
                        desk.append(String(decoding: paper.bytes, as: UTF8.self))
                        return desk
                    }
                    return Payload(bytes: Array("\(self.number):\(all.joined())".utf8))
                }
            ]
        }

        func reset() async throws {
            if log.failsReset.withLock({ $0 }) { throw Broken() }
            log.add("reset \(number)")
            desk.withLock { $0 = [] }
        }

        func retire() async { log.add("retired \(number)") }
    }

    private func assignment(_ number: UInt64, _ paper: String, to id: String) -> Assignment {
        Assignment(
            token: AssignmentToken(serial: Serial(rawValue: number)), agent: AgentID(id),
            operation: "file", payload: Payload(bytes: Array(paper.utf8)), deadlineNanos: nil,
            attempt: 1, namespace: .default, origin: nil)
    }

    private func text(_ result: AssignmentResult) -> String? {
        guard case .success(let payload) = result.outcome else { return nil }
        return String(decoding: payload.bytes, as: UTF8.self)
    }

    @Test func `an instance is reset before it is used again, and one that cannot be is replaced`()
        async throws
    {
        let (sink, log) = (PoolSink(), Log())
        let host = try AgentHost(sink: sink)
        try await host.add(pool: PoolPolicy(minInstances: 1, maxInstances: 2, slots: 9)) {
            try Clerk(log)
        }
        #expect(sink.pools.map(\.policy.slots) == [1], "an instance that is reset works alone")
        #expect(sink.joined.map(\.id.name) == ["clerk/1"])
        host.dispatch([assignment(1, "a", to: "clerk/1")])
        #expect(text(await sink.result(1)) == "1:a")
        host.dispatch([assignment(2, "b", to: "clerk/1")])
        #expect(text(await sink.result(2)) == "1:b")
        #expect(log.all == ["reset 1"])
        log.failsReset.withLock { $0 = true }
        host.dispatch([assignment(3, "c", to: "clerk/1")])
        #expect(text(await sink.result(3)) == "2:c")
        log.failsReset.withLock { $0 = false }
        host.dispatch([assignment(4, "d", to: "clerk/1")])
        #expect(text(await sink.result(4)) == "2:d")
        #expect(log.all == ["reset 1", "retired 1", "reset 2"])
        host.leave()
        #expect(sink.left.map(\.name) == ["clerk/1"])
    }

    @Test func `instances are made and retired as ordered; what cannot be made is reported`()
        async throws
    {
        let (sink, log) = (PoolSink(), Log())
        let host = try AgentHost(sink: sink)
        try await host.add(pool: PoolPolicy(maxInstances: 3)) { try Clerk(log) }
        var events = sink.events.makeAsyncIterator()
        host.arrange([.create(type: "clerk", count: 2)])
        for _ in 0..<2 { _ = await events.next() }
        #expect(Set(sink.joined.map(\.id.name)) == ["clerk/1", "clerk/2", "clerk/3"])
        host.arrange([.retire(AgentID("clerk/2"))])
        #expect(await events.next() == "left clerk/2")
        log.failsMaking.withLock { $0 = true }
        host.arrange([.create(type: "clerk", count: 1)])
        #expect(await events.next() == "failed clerk")
        host.arrange([.create(type: "nobody", count: 1), .retire(AgentID("clerk/9"))])
        host.leave()
        #expect(sink.poolsLeft == ["clerk"])
    }

    @Test func `a pool that cannot be is refused`() async throws {
        let host = try AgentHost(sink: PoolSink())
        let log = Log()
        await #expect(throws: PoolFault.self) {
            try await host.add(pool: PoolPolicy(maxInstances: 0)) { try Clerk(log) }
        }
        log.failsMaking.withLock { $0 = true }
        await #expect(throws: Broken.self) {
            try await host.add(pool: .defaults) { try Clerk(log) }
        }
        host.leave()
    }
}

/// Stands for the engine: remembers what pools say.
final class PoolSink: AssignmentSink {
    private struct State {
        var pools: [PoolRegistration] = []
        var poolsLeft: [String] = []
        var joined: [AgentRegistration] = []
        var left: [AgentID] = []
        var results: [AssignmentToken: AssignmentResult] = [:]
        var waiters: [AssignmentToken: CheckedContinuation<AssignmentResult, Never>] = [:]
    }

    private let state = Locked(State())
    /// From the second instance on.
    let events: AsyncStream<String>
    private let ring: AsyncStream<String>.Continuation

    init() { (events, ring) = AsyncStream.makeStream() }

    var pools: [PoolRegistration] { state.withLock { $0.pools } }
    var poolsLeft: [String] { state.withLock { $0.poolsLeft } }
    var joined: [AgentRegistration] { state.withLock { $0.joined } }
    var left: [AgentID] { state.withLock { $0.left } }

    func poolJoined(_ pool: PoolRegistration, port: any AssignmentPort) {
        state.withLock { $0.pools.append(pool) }
    }

    func poolLeft(type: String) { state.withLock { $0.poolsLeft.append(type) } }

    func instanceFailed(type: String, message: String) { ring.yield("failed \(type)") }

    func agentsJoined(_ agents: [AgentRegistration], port: any AssignmentPort) {
        let count = state.withLock { state in
            state.joined += agents
            return state.joined.count
        }
        if count > 1 { ring.yield("joined \(agents[0].id)") }
    }

    func agentsLeft(_ agents: [AgentID]) {
        state.withLock { $0.left += agents }
        for agent in agents { ring.yield("left \(agent)") }
    }

    func heartbeat(_ heartbeats: [AssignmentHeartbeat]) {}

    func finished(_ results: [AssignmentResult]) {
        let woken = state.withLock { state in
            for result in results { state.results[result.token] = result }
            return results.compactMap { result in
                state.waiters.removeValue(forKey: result.token).map { ($0, result) }
            }
        }
        for (waiter, result) in woken { waiter.resume(returning: result) }
    }

    func result(_ number: UInt64) async -> AssignmentResult {
        let token = AssignmentToken(serial: Serial(rawValue: number))
        return await withCheckedContinuation { continuation in
            let known = state.withLock { state -> AssignmentResult? in
                if let result = state.results[token] { return result }
                state.waiters[token] = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
