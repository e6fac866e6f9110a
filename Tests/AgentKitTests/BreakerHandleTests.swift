import AgentKit
import Coordination
import Testing
import Threads

/// A breaker of its own behind the link, instead of an engine.
private final class OwnBreaker: BreakerLink {
    private struct State: Sendable {
        var breaker: Breaker
        var now = EngineTime(monotonicNanos: 1_000, wallMillis: 0)
        var refresh: (@Sendable (BreakerSight?, UInt64) -> Void)?
        var told: UInt64 = 0
        var batches: [[CallReport]] = []
        var asked = 0
    }

    private let state: Locked<State>
    /// Rings when reports come.
    let reports: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init() {
        (reports, ring) = AsyncStream.makeStream()
        let policy = BreakerPolicy(
            // A success may leave with either failure: with both it still opens, with one it does not.
            window: .calls(10), minimumCalls: 2, failureRate: 0.6, halfOpenPermits: 2,
            successesToClose: 2, openMillis: 1_000, openJitter: 0)
        state = Locked(
            State(breaker: Breaker(policy, at: EngineTime(monotonicNanos: 1_000, wallMillis: 0))))
    }

    var batches: [[CallReport]] { state.withLock { $0.batches } }
    var asked: Int { state.withLock { $0.asked } }
    var current: BreakerState { state.withLock { $0.breaker.state } }

    var isFollowed: Bool { state.withLock { $0.refresh != nil } }

    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64 {
        state.withLock { $0.refresh = refresh }
        tell()
        return 7
    }

    func unfollow(_ breaker: String, _ number: UInt64) {
        if number == 7 { state.withLock { $0.refresh = nil } }
    }

    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
    ) {
        let decision = state.withLock { state in
            state.asked += 1
            let now = state.now
            return state.breaker.permit(at: now)
        }
        completion(decision)
        tell()
    }

    func report(_ breaker: String, _ reports: [CallReport]) {
        state.withLock { state in
            state.batches.append(reports)
            let now = state.now
            for report in reports {
                _ = state.breaker.reported(
                    report.permit, report.verdict, durationNanos: report.durationNanos, at: now,
                    random: 0)
            }
        }
        tell()
        ring.yield()
    }

    /// Lets the open time pass.
    func pass() {
        state.withLock { state in
            state.now.monotonicNanos += 1_000_000_000
            let now = state.now
            state.breaker.timeReached(now)
        }
        tell()
    }

    private func tell() {
        let (refresh, sight, told) = state.withLock { state in
            let until = state.breaker.nextDeadlineNanos(at: state.now) ?? .max
            state.told += 1
            return (
                state.refresh,
                BreakerSight(
                    state: state.breaker.state, generation: state.breaker.generation,
                    untilNanos: until == .max ? .max : .max - 1),
                state.told
            )
        }
        refresh?(sight, told)
    }
}

@Suite struct BreakerHandleTests {
    private struct Trouble: Error {}

    @Test func `calls pass, failures open it at once, refusals cost no round trip`() async throws {
        let own = OwnBreaker()
        let handle = BreakerHandle("b", link: own)
        #expect(try await handle.run { 7 } == 7)
        for _ in 0..<2 {
            await #expect(throws: Trouble.self) { try await handle.run { throw Trouble() } }
        }
        #expect(handle.state == .open)
        await #expect(throws: BreakerHandle.Refused.self) { try await handle.run { 1 } }
        #expect(own.asked == 0)
    }

    @Test func `probes are asked of the engine and close it`() async throws {
        let own = OwnBreaker()
        let handle = BreakerHandle("b", link: own)
        for _ in 0..<2 {
            await #expect(throws: Trouble.self) { try await handle.run { throw Trouble() } }
        }
        own.pass()
        #expect(handle.state == .halfOpen)
        for _ in 0..<2 { _ = try await handle.run { 1 } }
        #expect(own.asked == 2)
        #expect(handle.state == .closed)
    }

    @Test func `a failure takes along what has gathered, so that it weighs what it should`()
        async throws
    {
        let own = OwnBreaker()
        let handle = BreakerHandle("b", link: own)
        for _ in 0..<10 { _ = try await handle.run { 1 } }
        #expect(own.batches.isEmpty)
        await #expect(throws: Trouble.self) { try await handle.run { throw Trouble() } }
        #expect(own.batches.reduce(0) { $0 + $1.count } == 11)
        #expect(own.current == .closed)
    }

    @Test func `a handle that nobody holds any more sends what it has and follows no more`() async {
        let own = OwnBreaker()
        do {
            let handle = BreakerHandle("b", link: own)
            _ = try? await handle.run { 1 }
            #expect(own.isFollowed && own.batches.isEmpty)
        }
        #expect(!own.isFollowed && own.batches.count == 1)
    }

    @Test func `a shelf gives one handle a name, and sends what has gathered by itself`()
        async throws
    {
        let own = OwnBreaker()
        let shelf = BreakerShelf(link: own, flushEvery: .milliseconds(1))
        #expect(shelf["b"] === shelf["b"])
        _ = try await shelf["b"].run { 1 }
        for await _ in own.reports { break }
        #expect(own.batches.reduce(0) { $0 + $1.count } == 1)
    }

    @Test func `an operation has a breaker at hand, and one without a server's lets all pass`()
        async throws
    {
        let assignment = Assignment(
            token: AssignmentToken(serial: Serial(rawValue: 1)), agent: AgentID("a"),
            operation: "o", payload: Payload(bytes: []), deadlineNanos: nil, attempt: 1,
            namespace: .default, origin: nil)
        let alone = AgentContext(assignment).breaker("b")
        for _ in 0..<20 {
            await #expect(throws: Trouble.self) { try await alone.run { throw Trouble() } }
        }
        #expect(alone.state == nil)
        #expect(try await alone.run { 1 } == 1)
    }

    @Test func `successes leave in batches, and nothing is lost`() {
        let own = OwnBreaker()
        let handle = BreakerHandle("b", link: own)
        for number in 0..<1_000 {
            guard case .granted(let permit) = handle.permit(atNanos: 0) else {
                Issue.record("refused")
                return
            }
            handle.report(permit, .success, durationNanos: Int64(number))
        }
        handle.flush()
        #expect(own.batches.reduce(0) { $0 + $1.count } == 1_000)
        #expect(own.batches.count < 50)
    }

    @Test func `what says nothing about the callee does not count`() async {
        let own = OwnBreaker()
        let handle = BreakerHandle("b", link: own)
        let fault = StepFailure(type: "bad_input", message: "", retryable: false)
        for _ in 0..<10 {
            await #expect(throws: StepFailure.self) { try await handle.run { throw fault } }
            await #expect(throws: CancellationError.self) {
                try await handle.run { throw CancellationError() }
            }
        }
        handle.flush()
        #expect(own.current == .closed)
    }

    @Test func `a sight that comes late does not undo a newer one`() {
        final class Told: BreakerLink {
            let refresh = Locked<(@Sendable (BreakerSight?, UInt64) -> Void)?>(nil)

            func permit(
                _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
            ) { completion(nil) }
            func report(_ breaker: String, _ reports: [CallReport]) {}
            func follow(
                _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
            ) -> UInt64 {
                self.refresh.withLock { $0 = refresh }
                return 1
            }
            func unfollow(_ breaker: String, _ number: UInt64) {}
        }
        let link = Told()
        let handle = BreakerHandle("b", link: link)
        let tell = link.refresh.snapshot
        tell?(BreakerSight(state: .open, generation: 2, untilNanos: .max), 5)
        tell?(BreakerSight(state: .closed, generation: 1, untilNanos: .max), 4)
        #expect(handle.state == .open)
        tell?(nil, 3)
        #expect(handle.state == .open)
        tell?(nil, 6)
        #expect(handle.state == nil)
    }
}
