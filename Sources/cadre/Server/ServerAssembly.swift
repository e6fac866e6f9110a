import AgentKit
import Cache
import Console
import Coordination
import Engine
import Foundation
import GRPC
import Logging
import Messages
import MexcPack
import NIOCore
import NIOPosix
import Services
import Store
import Stubs
import Telemetry
import Threads

/// Puts a server together, floor by floor, and notes how each part is undone.
struct ServerAssembly {
    let settings: Settings
    let log: Logger
    let teardown: Teardown
    private let registry: MetricsRegistry
    private let calls: CallMetrics
    private let recorder: MetricsRecorder
    private let fatal = FatalSignal()
    private let grace = Grace()
    private let health = HealthRegistry(services: ServedInterfaces.names)
    private let streams = AgentStreams()
    private let cache: SharedCache
    private let shares: ConnectionShares
    private let startedMillis = SystemClock.wallMillis()

    init(_ settings: Settings, _ log: Logger, _ teardown: Teardown) {
        self.settings = settings
        self.log = log
        self.teardown = teardown
        shares = ConnectionShares(descriptors: DescriptorLimit.raise())
        registry = MetricsRegistry()
        let calls = CallMetrics(registry)
        self.calls = calls
        recorder = MetricsRecorder { calls.serviceCalls }
        var cache = CacheConfiguration()
        cache.epoch = UInt64(max(startedMillis, 0)) * 1_000
        cache.seed = UInt64.random(in: .min ... .max)
        self.cache = SharedCache(cache)
    }

    /// Starts everything and says where it serves.
    func start() async throws -> CadreServer {
        announceSettings()
        ProcessMetrics.register(in: registry, startedSeconds: Double(startedMillis) / 1_000)
        MonitorMetrics.register(in: registry, recorder)
        CacheMetrics.register(cache, in: registry)
        let market = try await openMarket()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.loops)
        teardown.add { try? await group.shutdownGracefully() }
        let store = try await openStore()
        teardown.add { await store.close() }
        watchDisk(store)
        let host = try await startEngine(store, on: group)
        try startPruning(store)
        let agents = try await startAgents(market, host)
        let domain = try await provideDomain(host)
        try await watchDefinitions(host)
        let consolePort = try await startConsole(store, domain, on: group)
        let grpcPort = try await startGRPC(host, on: group)
        health.setAll(.serving)
        log.notice(
            "serving",
            metadata: [
                "grpc": "\(settings.authority(port: grpcPort))", "market": "\(market.summary)",
            ])
        return CadreServer(
            assembled: ServerParts(host: host, agents: agents, fatal: fatal, grace: grace), self,
            grpcPort: grpcPort, consolePort: consolePort)
    }

    private func announceSettings() {
        let line = settings.effective.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        log.notice("cadre \(CadreVersion.current) \(line)")
        guard shares.isShort else { return }
        log.warning(
            "few files may be open: at most so many connections are taken; raise it with ulimit -n",
            metadata: ["grpc": "\(shares.calls)", "console": "\(shares.console)"])
    }

    // MARK: Promises

    private func openMarket() async throws -> OpenMarket {
        let market = try await OpenMarket.open(
            MarketSelection(parsing: settings.market), now: settings.instant())
        teardown.add { await market.close() }
        return market
    }

    private func startEngine(
        _ store: any Store, on group: any EventLoopGroup
    ) async throws -> EngineHost {
        let emergencies = EmergencyRunner(log: log)
        var configuration = EngineConfiguration.defaults
        configuration.limits.retentionMillis = try settings.retentionMillis()
        let host = try await EngineHost.start(
            store: store, configuration: configuration,
            observer: EngineMetrics(registry, emergencies: emergencies),
            timer: LoopTimer(group.next()),
            onFatal: { [fatal] in fatal.raise($0) })
        emergencies.attach(host)
        teardown.add { host.close() }
        return host
    }

    /// Removes what ended long ago, until the server stops.
    private func startPruning(_ store: any Store) throws {
        guard let retentionMillis = try settings.retentionMillis() else { return }
        let counter = registry.counter(
            name: "cadre_retention_pruned_runs",
            help: "Runs removed because they ended longer ago than they are kept."
        ).with()
        let pruner = RetentionPruner(store: store, retentionMillis: retentionMillis) {
            [log, settings] report in
            counter.add(UInt64(report.runs))
            if let failure = report.failure { return log.error("pruning: \(failure)") }
            log.info(
                "pruned",
                metadata: ["runs": "\(report.runs)", "retention": "\(settings.retention)"])
        }
        let task = Task { await pruner.run() }
        teardown.add {
            task.cancel()
            await task.value
        }
    }

    private func openStore() async throws -> any Store {
        guard settings.data != ":memory:" else { return try InMemoryStore() }
        return try await SQLiteStore.open(.init(directory: settings.data))
    }

    /// Counts what is free on the store's disk, and looks every other second whether it runs low.
    private func watchDisk(_ store: any Store) {
        DiskMetrics.register(store, in: registry)
        var watch = DiskWatch(path: settings.data, log: log)
        watch.look(store)
        let begun = watch
        let task = Task {
            var watch = begun
            while (try? await Task.sleep(for: .seconds(2))) != nil { watch.look(store) }
        }
        teardown.add { task.cancel() }
    }

    private func startAgents(
        _ market: OpenMarket, _ host: EngineHost
    ) async throws -> AgentHost {
        let agents = try AgentHost(sink: host, breakers: EngineBreakerLink(host))
        teardown.add { [grace] in
            let leaving = agents.leave()
            grace.atEnd { leaving.cancel() }
            await leaving.value
        }
        var pools = try PoolSettings.parse(settings.pools)
        for agent in MexcDomain.agents(market: market) { try await add(agent, to: agents, &pools) }
        if settings.withEcho {
            try await add(EchoAgent(), to: agents, &pools, slots: 65_536)
        }
        if let unknown = pools.keys.min() {
            throw Failed(
                "pools: the server has no agent type \(unknown) of its own", exitCode: EX_CONFIG)
        }
        return agents
    }

    /// Adds an agent as one instance, or as a pool where the settings say so.
    private func add<A: AgentKit.Agent>(
        _ agent: A, to agents: AgentHost, _ pools: inout [String: PoolPolicy], slots: Int = 64
    ) async throws {
        guard let policy = pools.removeValue(forKey: A.type) else {
            return try agents.add(agent, slots: slots)
        }
        try await agents.add(pool: policy) { agent }
    }

    /// Puts what the domain brings; what a full disk keeps out is tried every other second.
    private func provideDomain(_ host: EngineHost) async throws -> DomainProvisioner {
        let port = AskPort(host)
        let items =
            MexcDomain.definitions.map { DomainItem.workflow($0, log) }
            + MexcDomain.breakers.map(DomainItem.breaker)
            + MexcDomain.subscriptions.map(DomainItem.route)
        let domain = DomainProvisioner(items, log: log) { await port.ask($0) }
        try await domain.provide()
        let later = Task { await domain.provideLater { try await Task.sleep(for: .seconds(2)) } }
        teardown.add { later.cancel() }
        return domain
    }

    /// Puts the definitions of the directory, then looks for changes every other second.
    private func watchDefinitions(_ host: EngineHost) async throws {
        if settings.definitions.isEmpty { return }
        let port = AskPort(host)
        @Sendable func put(_ definition: Coordination.WorkflowDefinition) async -> Rejection? {
            let put = PutDefinition(namespace: .default, definition: definition)
            let answer = await port.ask { .putDefinition(put, $0) }
            if case .rejected(let rejection) = answer { return rejection }
            return nil
        }
        var directory = DefinitionDirectory(path: settings.definitions, log: log)
        guard await directory.look(put) else {
            throw Failed(
                "the definitions directory \(settings.definitions) cannot be read",
                exitCode: EX_CONFIG)
        }
        let begun = directory
        let watch = Task {
            var directory = begun
            while (try? await Task.sleep(for: .seconds(2))) != nil { await directory.look(put) }
        }
        teardown.add { watch.cancel() }
    }

    // MARK: Bytes

    private func startConsole(
        _ store: any Store, _ domain: DomainProvisioner, on group: any EventLoopGroup
    ) async throws -> Int {
        let (registry, health) = (registry, health)
        var configuration = ConsoleConfiguration(
            host: settings.host, port: settings.consolePort)
        configuration.maxConnections = shares.console
        configuration.connectionTimeout = .seconds(15)
        let console = try await ConsoleServer.start(
            configuration,
            routes: [
                .metrics { registry.render($0) }, .healthz,
                .readyz { Self.readiness(health, store, domain) },
            ],
            group: group)
        teardown.add { await console.shutdown() }
        return console.port
    }

    private static func readiness(
        _ health: HealthRegistry, _ store: any Store, _ domain: DomainProvisioner
    ) -> [ReadinessCheck] {
        [
            ReadinessCheck("grpc", failure: health.isServing ? nil : "it does not serve"),
            ReadinessCheck(
                "store",
                failure: store.isLowOnSpace
                    ? "less than \(FreeSpaceMark.defaultText) of its disk are free; free some space"
                    : nil),
            ReadinessCheck("definitions", failure: domain.failure),
        ]
    }

    private func startGRPC(_ host: EngineHost, on group: any EventLoopGroup) async throws -> Int {
        let links = try await EngineLinks.attach(host, to: group)
        let endRecording = try await recorder.begin(links, on: group.next())
        teardown.add { endRecording() }
        var configuration = ServerConfiguration(host: settings.host, port: settings.grpcPort)
        configuration.limits.maxConnections = shares.calls
        let server = GRPCServer(
            configuration: configuration, services: services(links, host), group: group,
            metrics: calls)
        let port = try await server.start()
        let graceNanos = Int64(settings.graceSeconds) * 1_000_000_000
        teardown.add { [health, streams, grace] in
            health.shutDown()
            // Before streams are ended, or their ends would be held against their readers.
            host.beginDrain()
            // At once, so that clients go elsewhere while what is open ends.
            await server.beginShutdown()
            // One deadline for both: what the engine's drain leaves of the grace is for the calls.
            let deadline = SystemClock.monotonicNanos() + graceNanos
            grace.atEnd { host.endDrains() }
            await host.drain(deadlineNanos: deadline)
            // Workers end no stream by themselves; they come back after the restart. Until here
            // somebody may have waited for what they do.
            streams.shutDown()
            let left = max(0, deadline - SystemClock.monotonicNanos())
            grace.atEnd { Task { await server.shutdown(grace: .zero) } }
            await server.shutdown(grace: .nanoseconds(left))
        }
        return port
    }

    private func services(_ links: EngineLinks, _ host: EngineHost) -> [ServiceRegistration] {
        let identity = AdminServiceProvider.Identity(
            version: CadreVersion.current, startedMillis: startedMillis,
            configuration: settings.effective, epoch: host.epoch.rawValue,
            retentionMillis: (try? settings.retentionMillis()) ?? nil)
        let reflection = ReflectionServiceProvider(services: ServedInterfaces.names)
        let admin = AdminServiceProvider(
            identity: identity, links: links, host: host,
            onDrain: { [health] in health.setAll(.notServing) })
        return [
            AgentServiceProvider(links: links, host: host, streams: streams).registration,
            BreakerServiceProvider(links: links).registration,
            BallotServiceProvider(links: links).registration,
            BatchServiceProvider(links: links).registration,
            MemoryServiceProvider(links: links, host: host).registration,
            LockServiceProvider(links: links).registration,
            EventServiceProvider(links: links, host: host).registration,
            WorkflowServiceProvider(links: links, host: host).registration,
            ScheduleServiceProvider(links: links, zones: ZoneDirectory().zone).registration,
            MonitorServiceProvider(links: links, recorder: recorder).registration,
            CacheServiceProvider(cache: cache).registration,
            admin.registration,
            HealthServiceProvider(registry: health).registration,
            reflection.registration,
            reflection.registration(as: ReflectionServiceProvider.alphaName),
        ]
    }
}

/// The interfaces of the server, by their full names.
enum ServedInterfaces {
    static let names = [
        AgentServiceDescriptor.name, BreakerServiceDescriptor.name, MemoryServiceDescriptor.name,
        LockServiceDescriptor.name, EventServiceDescriptor.name,
        WorkflowServiceDescriptor.name, ScheduleServiceDescriptor.name,
        MonitorServiceDescriptor.name, AdminServiceDescriptor.name, BallotServiceDescriptor.name,
        BatchServiceDescriptor.name, CacheServiceDescriptor.name,
        GrpcHealthV1.HealthDescriptor.name, GrpcReflectionV1.ServerReflectionDescriptor.name,
        ReflectionServiceProvider.alphaName,
    ]
}
