import AgentKit
import Cache
import Coordination
import Engine
import GRPC
import NIOCore
import NIOPosix
import Services
import Store
import Stubs
import Testing
import Threads

/// A server in process: real sockets, the real engine, agents that the test gives, and a store in
/// memory unless the test gives one.
struct ServerUnderTest {
    let client: GRPCClient
    let health: HealthRegistry
    let port: Int
    private let server: GRPCServer
    private let host: EngineHost
    private let agents: AgentHost
    private let store: any Store
    private let streams: AgentStreams

    /// Starts one, hands it to `body`, and stops it.
    static func with(
        store: (any Store)? = nil, grace: Duration = .seconds(1),
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (ServerUnderTest) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration(host: "127.0.0.1", port: 0)
        change(&configuration)
        let server = try await start(configuration, store ?? InMemoryStore())
        do {
            try await body(server)
            await server.stop(grace)
        } catch {
            await server.stop(grace)
            throw error
        }
    }

    private static func start(
        _ configuration: ServerConfiguration, _ store: any Store
    ) async throws -> ServerUnderTest {
        let group = MultiThreadedEventLoopGroup.singleton
        let host = try await EngineHost.start(store: store)
        let agents = try AgentHost(sink: host)
        try agents.add(Probe(), slots: 1)
        let links = try await EngineLinks.attach(host, to: group)
        // A test may wait long for its turn between opening a stream and the hello on it.
        let streams = AgentStreams(helloTime: .minutes(2))
        let recorder = MetricsRecorder {
            [ServiceCalls(service: "test", ended: 8, failed: 2, active: 1, seconds: 4)]
        }
        let health = HealthRegistry(services: [AgentServiceDescriptor.name])
        let reflection = ReflectionServiceProvider(services: [AgentServiceDescriptor.name])
        let server = GRPCServer(
            configuration: configuration,
            services: [
                AgentServiceProvider(links: links, host: host, streams: streams).registration,
                BreakerServiceProvider(links: links).registration,
                BallotServiceProvider(links: links).registration,
                BatchServiceProvider(links: links).registration,
                CacheServiceProvider(cache: SharedCache()).registration,
                MemoryServiceProvider(links: links, host: host).registration,
                LockServiceProvider(links: links).registration,
                EventServiceProvider(links: links, host: host).registration,
                WorkflowServiceProvider(links: links, host: host).registration,
                ScheduleServiceProvider(
                    links: links,
                    zones: {
                        $0 == "Test/Plus1"
                            ? TimeZoneTable(name: $0, firstOffset: 3_600, transitions: []) : nil
                    }
                ).registration,
                MonitorServiceProvider(links: links, recorder: recorder).registration,
                AdminServiceProvider(
                    identity: .init(
                        version: "test", startedMillis: 1, configuration: [],
                        epoch: host.epoch.rawValue),
                    links: links, host: host, onDrain: {}
                ).registration,
                HealthServiceProvider(registry: health).registration,
                reflection.registration,
                reflection.registration(as: ReflectionServiceProvider.alphaName),
            ], group: group)
        let port = try await server.start()
        let client = GRPCClient(host: "127.0.0.1", port: port, group: group)
        return ServerUnderTest(
            client: client, health: health, port: port, server: server, host: host,
            agents: agents, store: store, streams: streams)
    }

    /// Commits rows behind the engine's back, before it has committed anything itself.
    func commit(_ fill: (inout StoreBatch) -> Void) async {
        var batch = StoreBatch(
            shard: .only, epoch: host.epoch, number: BatchNumber(rawValue: 1))
        fill(&batch)
        await withCheckedContinuation { continuation in
            store.commit(batch) { outcome in
                #expect(outcome == .committed)
                continuation.resume()
            }
        }
    }

    private func stop(_ grace: Duration) async {
        await client.close()
        health.shutDown()
        await host.drain(deadlineNanos: SystemClock.monotonicNanos() + 1_000_000_000)
        streams.shutDown()
        await server.shutdown(grace: grace)
        agents.leave()
        host.close()
        await store.close()
    }
}

/// Echoes, fails, and hangs until it is cancelled; not quite well.
struct Probe: Agent {
    static let type = "probe"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) { input, _ in input
            },
            AgentOperation(raw: "fail", "Fails for good.") { _, _ throws -> Payload in
                throw StepFailure(type: "broken", message: "as asked", retryable: false)
            },
            AgentOperation(raw: "moan", "Fails for good, at length.") { _, _ throws -> Payload in
                throw StepFailure(
                    type: "moan", message: String(repeating: "m", count: 10_000), retryable: false)
            },
            AgentOperation(raw: "swell", "Returns 1.5 MB.") { _, _ in
                Payload(bytes: [UInt8](repeating: 0x31, count: 1_500_000))
            },
            AgentOperation(raw: "hang", "Ends when it is cancelled.") {
                _, _ async throws -> Payload in
                let (endless, hold) = AsyncStream.makeStream(of: Int.self)
                for await _ in endless {}
                hold.finish()
                throw CancellationError()
            },
        ]
    }

    func health() async throws -> AgentHealth {
        AgentHealth(state: .degraded, detail: "for the test")
    }
}
