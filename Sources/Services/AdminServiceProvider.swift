import Engine
import GRPC
import Messages
import NIOCore
import Store
import Stubs
import Threads

/// Serves `cadre.v1.AdminService`.
public struct AdminServiceProvider: AdminServiceHandler {
    /// What an operator is told of the process; fixed at its start.
    public struct Identity: Sendable {
        /// Which build it is, and when it started (milliseconds since 1970).
        public var version: String
        public var startedMillis: Int64
        /// Effective settings by name, without secrets.
        public var configuration: [(name: String, value: String)]
        public var epoch: UInt32
        /// How long runs are kept after their end, in milliseconds; `nil`: for ever.
        public var retentionMillis: Int64?

        /// Combines the facts.
        public init(
            version: String, startedMillis: Int64,
            configuration: [(name: String, value: String)], epoch: UInt32,
            retentionMillis: Int64? = nil
        ) {
            self.version = version
            self.startedMillis = startedMillis
            self.configuration = configuration
            self.epoch = epoch
            self.retentionMillis = retentionMillis
        }
    }

    private let identity: Identity
    private let links: EngineLinks
    let host: EngineHost
    private let onDrain: @Sendable () -> Void

    /// Serves `identity`, the live numbers of the engine behind `links`, and its store.
    ///
    /// - Parameter onDrain: told first when somebody asks for a drain, to tell the world.
    public init(
        identity: Identity, links: EngineLinks, host: EngineHost,
        onDrain: @escaping @Sendable () -> Void
    ) {
        self.identity = identity
        self.links = links
        self.host = host
        self.onDrain = onDrain
    }

    /// See `GetInfo` in the proto.
    public func getInfo(_ request: GetInfoRequest, _ call: UnaryCall<GetInfoResponse>) {
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .snapshot($0) }) { answer in
            guard case .snapshot(let snapshot) = answer else { return call.fail(answer.refusal) }
            call.respond(info(snapshot))
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    private func info(_ snapshot: EngineSnapshot) -> GetInfoResponse {
        var response = GetInfoResponse()
        response.version = identity.version
        response.startedUnixMillis = identity.startedMillis
        response.configuration = FieldMap(
            lastWins: identity.configuration.map { .init(key: $0.name, value: $0.value) })
        response.epoch = identity.epoch
        response.openRuns = Int64(snapshot.openRuns)
        response.agents = Int64(snapshot.agents)
        response.requestIDs = Int64(snapshot.requestIDs)
        response.requestIDsForgottenEarly = Int64(clamping: snapshot.requestIDsForgottenEarly)
        response.draining = snapshot.isDraining
        let facts = host.storeFacts
        response.storeBytes = facts.storeBytes
        response.logBytes = facts.logBytes
        response.lastBackupUnixMillis = facts.lastBackupMillis ?? 0
        response.prunedRuns = Int64(clamping: facts.prunedRuns)
        response.retentionMillis = identity.retentionMillis ?? 0
        return response
    }

    /// Tells the world, then waits for the disk, the open calls and the steps at work here.
    public func drain(_ request: DrainRequest, _ call: UnaryCall<DrainResponse>) {
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.check(
            (0...3_600_000).contains(request.timeoutMillis), "timeout_millis",
            "is \(request.timeoutMillis); 1 to 3600000, 0 for the default of 10000")
        if let status = faults.status { return call.fail(status) }
        onDrain()
        let millis = request.timeoutMillis == 0 ? 10_000 : request.timeoutMillis
        let deadline = SystemClock.monotonicNanos() + millis * 1_000_000
        let finish = call.hop { (isDrained: Bool) in answerDrained(isDrained, call) }
        Task { [host] in
            await host.drain(deadlineNanos: deadline, awaitsSteps: true)
            finish(SystemClock.monotonicNanos() < deadline)
        }
    }

    private func answerDrained(_ isDrained: Bool, _ call: UnaryCall<DrainResponse>) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .snapshot($0) }) { answer in
            guard case .snapshot(let snapshot) = answer else { return call.fail(answer.refusal) }
            var response = DrainResponse()
            response.drained = isDrained
            response.openRuns = Int64(snapshot.openRuns)
            response.openInvokes = Int64(snapshot.openInvokes + snapshot.localSteps)
            call.respond(response)
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
