import Engine
import GRPC
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.AdminService`.
public struct AdminServiceProvider: AdminServiceHandler {
    /// What an operator is told of the process; fixed at its start.
    public struct Identity: Sendable {
        public var version: String
        public var startedMillis: Int64
        /// Effective settings by name, without secrets.
        public var configuration: [(name: String, value: String)]
        public var epoch: UInt32

        /// Combines the facts.
        public init(
            version: String, startedMillis: Int64,
            configuration: [(name: String, value: String)], epoch: UInt32
        ) {
            self.version = version
            self.startedMillis = startedMillis
            self.configuration = configuration
            self.epoch = epoch
        }
    }

    private let identity: Identity
    private let links: EngineLinks

    /// Serves `identity` and the live numbers of the engine behind `links`.
    public init(identity: Identity, links: EngineLinks) {
        self.identity = identity
        self.links = links
    }

    public func getInfo(_ request: GetInfoRequest, _ call: UnaryCall<GetInfoResponse>) {
        let link = links.link(on: call.eventLoop)
        let identity = self.identity
        let ticket = link.ask({ .snapshot($0) }) { answer in
            guard case .snapshot(let snapshot) = answer else { return call.fail(answer.refusal) }
            var response = GetInfoResponse()
            response.version = identity.version
            response.startedUnixMillis = identity.startedMillis
            response.configuration = FieldMap(
                lastWins: identity.configuration.map { .init(key: $0.name, value: $0.value) })
            response.epoch = identity.epoch
            response.openRuns = Int64(snapshot.openRuns)
            response.agents = Int64(snapshot.agents)
            call.respond(response)
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
