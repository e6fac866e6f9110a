import Coordination
import Testing
import Threads

@testable import AgentKit

/// How instances, their work and their threads end.
@Suite(.timeLimit(.minutes(1))) struct AgentEndTests {
    private final class Log: Sendable {
        private let lines = Locked<[String]>([])
        let made = Locked(0)
        let failsReset = Locked(false)
        var all: [String] { lines.snapshot }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// Suspends wherever it can.
    private final class Desk: PooledAgent {
        static let type = "desk"
        let execution: AgentExecution
        private let number: Int
        private let log: Log
        /// Work on the paper `wait` ends when this does.
        private let wait: AsyncStream<Void>
        private let begun: AsyncStream<Void>.Continuation?

        init(
            _ execution: AgentExecution, _ log: Log, wait: AsyncStream<Void>,
            begun: AsyncStream<Void>.Continuation? = nil
        ) async {
            await Task.yield()
            self.execution = execution
            self.log = log
            self.wait = wait
            self.begun = begun
            number = log.made.withLock { made in
                made += 1
                return made
            }
        }

        var operations: [AgentOperation] {
            [
                AgentOperation(raw: "file", "Says who filed what.") { paper, _ async in
                    let paper = String(decoding: paper.bytes, as: UTF8.self)
                    self.log.add("\(paper) at \(self.number)")
                    self.begun?.yield()
                    if paper == "wait" { for await _ in self.wait {} }
                    await Task.yield()
                    return Payload(bytes: Array("\(self.number):\(paper)".utf8))
                }
            ]
        }

        func reset() async throws {
            await Task.yield()
            if log.failsReset.snapshot { throw CancellationError() }
        }

        func retire() async {
            await Task.yield()
            log.add("retired \(number)")
        }
    }

    private func assignment(
        _ number: UInt64, _ paper: String, to id: String = "desk/1"
    ) -> Assignment {
        Assignment(
            token: AssignmentToken(serial: Serial(rawValue: number)), agent: AgentID(id),
            operation: "file", payload: Payload(bytes: Array(paper.utf8)), deadlineNanos: nil,
            attempt: 1, namespace: .default, origin: nil)
    }

    private func text(_ result: AssignmentResult) -> String {
        switch result.outcome {
        case .success(let payload): String(decoding: payload.bytes, as: UTF8.self)
        case .failure(let failure): failure.type
        }
    }

    @Test(arguments: [AgentExecution.ownThread, .inline])
    func `an instance whose reset fails is replaced and the assignment still answered`(
        execution: AgentExecution
    ) async throws {
        let (sink, log) = (PoolSink(), Log())
        let (wait, _) = AsyncStream.makeStream(of: Void.self)
        let host = try AgentHost(sink: sink)
        try await host.add(pool: PoolPolicy(minInstances: 1, maxInstances: 1)) {
            await Desk(execution, log, wait: wait)
        }
        host.dispatch([assignment(1, "a")])
        #expect(text(await sink.result(1)) == "1:a")
        log.failsReset.withLock { $0 = true }
        host.dispatch([assignment(2, "b"), assignment(3, "c")])
        #expect(text(await sink.result(2)) == "2:b")
        #expect(text(await sink.result(3)) == "3:c")
        log.failsReset.withLock { $0 = false }
        host.dispatch([assignment(4, "d")])
        #expect(text(await sink.result(4)) == "3:d")
        await host.leave().value
        #expect(
            log.all == [
                "a at 1", "b at 2", "retired 1", "c at 3", "retired 2", "d at 3", "retired 3",
            ])
    }

    @Test(arguments: [AgentExecution.ownThread, .inline])
    func `leaving retires pooled instances, once what they work on has ended`(
        execution: AgentExecution
    ) async throws {
        let (sink, log) = (PoolSink(), Log())
        let (wait, _) = AsyncStream.makeStream(of: Void.self)
        let (begins, begun) = AsyncStream.makeStream(of: Void.self)
        let host = try AgentHost(sink: sink)
        try await host.add(pool: PoolPolicy(minInstances: 1, maxInstances: 1)) {
            await Desk(execution, log, wait: wait, begun: begun)
        }
        host.dispatch([assignment(1, "wait")])
        var iterator = begins.makeAsyncIterator()
        _ = await iterator.next()
        await host.leave().value
        #expect(log.all == ["wait at 1", "retired 1"])
    }

    @Test func `a queued assignment cancelled before its turn is not begun`() async throws {
        let (sink, log) = (PoolSink(), Log())
        let (wait, release) = AsyncStream.makeStream(of: Void.self)
        let host = try AgentHost(sink: sink)
        try await host.add(pool: PoolPolicy(minInstances: 1, maxInstances: 1)) {
            await Desk(.inline, log, wait: wait)
        }
        let queued = assignment(2, "queued")
        host.dispatch([assignment(1, "wait"), queued, assignment(3, "next")])
        host.cancel([queued.token])
        release.finish()
        #expect(text(await sink.result(1)) == "1:wait")
        #expect(text(await sink.result(2)) == "cancelled")
        #expect(text(await sink.result(3)) == "1:next")
        #expect(log.all == ["wait at 1", "next at 1"])
        host.leave()
    }

    /// Cancels the assignment after its own, then says what it did.
    private struct Rival: Agent {
        static let type = "rival"
        let host: Locked<AgentHost?>
        let log: Log
        let reads: Locked<Int>

        var operations: [AgentOperation] {
            reads.withLock { $0 += 1 }
            return [
                AgentOperation(raw: "file", "Cancels the next one.") { paper, context throws in
                    log.add(String(decoding: paper.bytes, as: UTF8.self))
                    let next = Serial(rawValue: context.token.serial.rawValue + 1)
                    host.snapshot?.cancel([AssignmentToken(serial: next)])
                    return paper
                }
            ]
        }
    }

    @Test func `an assignment of a batch cancelled before its turn is not begun`() async throws {
        let (sink, log) = (PoolSink(), Log())
        let host = try AgentHost(sink: sink)
        let known = Locked<AgentHost?>(host)
        let reads = Locked(0)
        try host.add(Rival(host: known, log: log, reads: reads), instances: 3)
        #expect(reads.snapshot == 1, "operations are read once")
        let batch = (1...4).map { assignment(UInt64($0), "\($0)", to: "rival/1") }
        host.dispatch(batch)
        #expect(text(await sink.result(1)) == "1")
        #expect(text(await sink.result(2)) == "cancelled")
        #expect(text(await sink.result(3)) == "3")
        #expect(log.all == ["1", "3"])
        host.dispatch([assignment(4, "4", to: "rival/1")])
        #expect(log.all == ["1", "3", "4"], "a batch leaves nothing cancelled behind")
        known.withLock { $0 = nil }
        host.leave()
    }

    /// Rings when it is gone.
    private final class Mortal: Agent {
        static let type = "mortal"
        let execution: AgentExecution
        let ring: AsyncStream<Void>.Continuation

        init(_ execution: AgentExecution, _ ring: AsyncStream<Void>.Continuation) {
            self.execution = execution
            self.ring = ring
        }

        deinit { ring.finish() }

        var operations: [AgentOperation] { [] }
    }

    @Test(arguments: [AgentExecution.ownThread, .inline])
    func `a worker that nobody holds is gone, and its agent with it`(
        execution: AgentExecution
    ) async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        weak var worker: RemoteWorker?
        do {
            let made = try RemoteWorker(Mortal(execution, end)) {
                preconditionFailure("a worker that is not run makes no client")
            }
            worker = made
        }
        for await _ in ends {}
        #expect(worker == nil)
    }

    @Test func `a task goes on elsewhere when its executor has stopped`() async throws {
        let executor = try AgentExecutor(name: "brief") {}
        let (waits, release) = AsyncStream.makeStream(of: Void.self)
        let (begins, begun) = AsyncStream.makeStream(of: Void.self)
        let task = Task.detached(executorPreference: executor) {
            begun.finish()
            for await _ in waits {}
            await Task.yield()
            return 7
        }
        for await _ in begins {}
        executor.stop()
        release.finish()
        #expect(await task.value == 7)
    }
}
