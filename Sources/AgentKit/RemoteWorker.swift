import Coordination
import GRPC
import Messages
import Stubs
import Threads

/// Serves an agent to a server somewhere else: the same ``Agent`` values as ``AgentHost``, over
/// `AgentService.Connect`.
///
///     let worker = try RemoteWorker(Echo(), configuration) {
///         GRPCClient(host: "127.0.0.1", port: 7171, group: group)
///     }
///     try await worker.run()
///
/// A lost connection is made again, with jittered waits between; what the worker holds is named
/// and goes on, and results that the server has not taken are sent again. Neither a server that
/// does not answer the hello nor one that falls silent holds it up.
public final class RemoteWorker: Sendable {
    private let configuration: RemoteWorkerConfiguration
    private let makeClient: @Sendable () -> GRPCClient
    private let desk: WorkerDesk
    private let host: AgentHost
    private let agent: WorkerAgent

    /// A worker that serves `agent` once it runs.
    ///
    /// - Parameter makeClient: makes a client of the server; called again when a client keeps
    ///   failing. The worker closes what it made.
    /// - Throws: when the system refuses a thread; free some, or raise the process limit.
    public init<A: Agent>(
        _ agent: A, _ configuration: RemoteWorkerConfiguration = RemoteWorkerConfiguration(),
        makeClient: @escaping @Sendable () -> GRPCClient
    ) throws(ThreadStartError) {
        self.configuration = configuration
        self.makeClient = makeClient
        desk = WorkerDesk(
            WorkerLedger(
                slots: min(max(1, configuration.slots), AgentSession.maxCredits),
                agentID: configuration.id, leaseMillis: configuration.lease.wholeMillis))
        host = try AgentHost(sink: desk)
        let seat = try host.addOne(agent, slots: configuration.slots)
        self.agent = WorkerAgent(seat, configuration)
        desk.serve(with: host, as: seat.id)
    }

    /// The instance's id; empty before the server has given one.
    public var id: String { desk.agentID }

    /// Serves until ``drain()`` has ended, or the task is cancelled: then what it holds is left to
    /// the lease, and other instances.
    ///
    /// - Throws: a status that no new try can change, such as INVALID_ARGUMENT.
    public func run() async throws(GRPCStatus) {
        var client = makeClient()
        var failures = 0
        defer { host.leave() }
        while !Task.isCancelled, !desk.isDrained {
            let outcome = await serve(client)
            switch outcome {
            case .left:
                await client.close()
                return
            case .failed(let status) where status.isFinal:
                await client.close()
                throw status
            case .failed(_):
                failures = desk.takeWelcomed() ? 1 : failures + 1
                if failures % max(1, configuration.failuresBeforeNewClient) == 0 {
                    await client.close()
                    client = makeClient()
                }
                await pause(afterFailures: failures)
            }
        }
        await client.close()
    }

    /// Takes nothing new, finishes what it holds, up to the configured time, and leaves; then
    /// ``run()`` returns.
    public func drain() { desk.drain() }

    // MARK: One stream

    private enum Outcome { case left, failed(GRPCStatus) }

    private func serve(_ client: GRPCClient) async -> Outcome {
        let stream: DuplexStream<ConnectRequest, ConnectResponse>
        do throws(GRPCStatus) {
            stream = try await AgentServiceClient(client: client).connect(options: .defaults)
            try await stream.send(desk.hello(agent))
        } catch {
            return .failed(error)
        }
        return await withTaskGroup(of: Outcome?.self) { group in
            // On the client's loop: an assignment is read, an inline operation done and its result
            // written by one thread, instead of handed over three times.
            group.addTask(executorPreference: client.executor) { await self.read(stream) }
            group.addTask(executorPreference: client.executor) { await self.write(stream) }
            group.addTask { await self.watch(stream) }
            var outcome: Outcome?
            while outcome == nil, let ended = await group.next() { outcome = ended }
            stream.cancel()
            desk.streamEnded()
            group.cancelAll()
            return outcome ?? .failed(GRPCStatus(.unavailable, "the stream ended"))
        }
    }

    private func read(_ stream: DuplexStream<ConnectRequest, ConnectResponse>) async -> Outcome? {
        do throws(GRPCStatus) {
            var responses = stream.responses.makeAsyncIterator()
            while let response = try await responses.next() { desk.received(response) }
            if desk.hasLeft { return .left }
            return .failed(GRPCStatus(.unavailable, "the server ended the stream"))
        } catch {
            return desk.hasLeft ? .left : .failed(error)
        }
    }

    /// Sends what has gathered, whenever there is something.
    private func write(_ stream: DuplexStream<ConnectRequest, ConnectResponse>) async -> Outcome? {
        do throws(GRPCStatus) {
            for await _ in desk.wakes() {
                while let message = desk.takeMessage() { try await stream.send(message) }
            }
            return nil
        } catch {
            return .failed(error)
        }
    }

    /// Keeps the lease, and gives a silent server up.
    private func watch(_ stream: DuplexStream<ConnectRequest, ConnectResponse>) async -> Outcome? {
        let begun = SystemClock.monotonicNanos()
        while !Task.isCancelled {
            let lease = desk.leaseNanos
            let silence = desk.isWelcome ? lease : configuration.helloTime.wholeMillis * 1_000_000
            if SystemClock.monotonicNanos() - max(begun, desk.lastHeardNanos) > silence {
                return .failed(GRPCStatus(.unavailable, "the server fell silent"))
            }
            if desk.drainEnds(within: configuration.drainTime) {
                desk.leave()
            } else {
                desk.signOfLife()
            }
            let wait = desk.isDraining ? min(lease / 3, 20_000_000) : lease / 3
            try? await Task.sleep(for: .nanoseconds(wait))
        }
        return nil
    }

    private func pause(afterFailures failures: Int) async {
        let doubled = configuration.firstBackoff * (1 << min(20, max(0, failures - 1)))
        let limit = min(configuration.maxBackoff, doubled)
        try? await Task.sleep(for: limit * Double.random(in: 0...1))
    }
}

extension GRPCStatus {
    /// Whether no new try can change it.
    fileprivate var isFinal: Bool {
        switch code {
        case .invalidArgument, .unauthenticated, .permissionDenied, .unimplemented: true
        default: false
        }
    }
}

extension Duration {
    /// Milliseconds, rounded down.
    var wholeMillis: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
