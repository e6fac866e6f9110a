import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.AgentService`: turns requests into engine commands and answers into responses.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct AgentServiceProvider: AgentServiceHandler {
    let links: EngineLinks

    /// Serves the engine behind `links`.
    public init(links: EngineLinks) {
        self.links = links
    }

    public func invoke(_ request: InvokeRequest, _ call: UnaryCall<InvokeResponse>) {
        guard let namespace = validated(request, call) else { return }
        let command = Invoke(
            namespace: namespace, agentType: request.agentType,
            instance: request.agentID.isEmpty ? nil : AgentID(request.agentID),
            operation: request.operation,
            payload: Coordination.Payload(orEmptyObject: request.payload),
            deadlineNanos: call.deadline.map(\.nanoseconds),
            arrivedNanos: call.receivedAt.nanoseconds,
            priority: request.priority == 0 ? 3 : Int(request.priority))
        let link = links.link(on: call.eventLoop)
        let requestID = request.requestID.isEmpty ? link.newRequestID() : request.requestID
        let ticket = link.ask({ .invoke(command, $0) }) { answer in
            switch answer {
            case .invoked(let answer): call.respond(InvokeResponse(answer, to: requestID))
            case .rejected(let rejection): call.fail(rejection.status)
            default: call.fail(.unexpectedAnswer)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    public func listAgents(_ request: ListAgentsRequest, _ call: UnaryCall<ListAgentsResponse>) {
        agents(of: request.agentType, call) { agents in
            var response = ListAgentsResponse()
            response.agents = agents.map(Messages.Agent.init)
            call.respond(response)
        }
    }

    public func getAgent(_ request: GetAgentRequest, _ call: UnaryCall<GetAgentResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.agentID, "agent_id")
        if let status = faults.status { return call.fail(status) }
        agents(of: "", call) { agents in
            guard let agent = agents.first(where: { $0.registration.id.name == request.agentID })
            else { return call.fail(Self.noAgent(request.agentID)) }
            var response = GetAgentResponse()
            response.agent = Messages.Agent(agent)
            call.respond(response)
        }
    }

    public func checkHealth(_ request: CheckHealthRequest, _ call: UnaryCall<CheckHealthResponse>) {
        guard let limits = HealthLimits(request, call) else { return }
        let link = links.link(on: call.eventLoop)
        agents(of: request.agentType, call) { agents in
            let check = HealthCheck(agents: agents, limits: limits, link: link, call: call)
            check.begin()
        }
    }

    /// Asks for the pool and hands on the instances of `type` (all when empty), by type, then id.
    private func agents<Response>(
        of type: String, _ call: UnaryCall<Response>,
        _ receiver: @escaping ([AgentSummary]) -> Void
    ) {
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .listAgents($0) }) { answer in
            switch answer {
            case .agents(let agents):
                let wanted = agents.filter { type.isEmpty || $0.registration.type == type }
                receiver(wanted.sorted { $0.registration.precedes($1.registration) })
            case .rejected(let rejection): call.fail(rejection.status)
            default: call.fail(.unexpectedAnswer)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// The namespace of a right request; `nil` after a wrong one has been refused.
    private func validated(
        _ request: InvokeRequest, _ call: UnaryCall<InvokeResponse>
    ) -> Namespace? {
        var faults = FieldFaults()
        faults.checkName(request.agentType, "agent_type")
        faults.checkName(request.operation, "operation")
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        faults.check(request.agentID.utf8.count <= 256, "agent_id", "is over 256 bytes")
        faults.check(
            (0...5).contains(request.priority), "priority",
            "is \(request.priority); 1 is first, 5 last, 0 the default of 3")
        faults.checkSize(request.payload, "payload")
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        return call.namespace()
    }

    private static func noAgent(_ id: String) -> GRPCStatus {
        Rejection(
            .notFound, reason: "AGENT_NOT_FOUND",
            "no agent \(id) is in the pool; ListAgents names those that are"
        ).status
    }
}

extension AgentRegistration {
    fileprivate func precedes(_ other: AgentRegistration) -> Bool {
        (type, id.name) < (other.type, other.id.name)
    }
}

extension NIODeadline {
    /// On the engine's monotonic clock, which is the one NIO reads too.
    var nanoseconds: Int64 { Int64(clamping: uptimeNanoseconds) }
}
