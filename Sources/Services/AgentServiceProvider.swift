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
    private let host: EngineHost
    private let streams: AgentStreams

    /// Serves the engine behind `links`.
    ///
    /// - Parameter streams: told of every worker's stream; shut it down when the server goes down.
    public init(links: EngineLinks, host: EngineHost, streams: AgentStreams = AgentStreams()) {
        self.links = links
        self.host = host
        self.streams = streams
    }

    /// Serves one worker's stream until it ends.
    public func connect(_ call: BidirectionalCall<ConnectRequest, ConnectResponse>) {
        let stream = AgentStream(
            call: call, link: links.link(on: call.eventLoop), host: host, streams: streams)
        stream.begin()
    }

    public func invoke(_ request: InvokeRequest, _ call: UnaryCall<InvokeResponse>) {
        var faults = FieldFaults()
        request.check(&faults)
        if let status = faults.status { return call.fail(status) }
        guard let namespace = call.namespace() else { return }
        let command = request.command(
            namespace: namespace, deadline: call.deadline, received: call.receivedAt,
            trace: call.metadata.trace)
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

    /// Calls an operation and passes its progress on.
    public func invokeStream(
        _ request: InvokeStreamRequest, _ call: ServerStreamCall<InvokeStreamResponse>
    ) {
        guard let invoke = request.invoke else { return call.fail(.bad("invoke", "is required")) }
        var faults = FieldFaults()
        invoke.check(&faults, prefix: "invoke.")
        if let status = faults.status { return call.fail(status) }
        guard let namespace = call.namespace() else { return }
        let relay = ProgressRelay(call)
        let command = invoke.command(
            namespace: namespace, deadline: call.deadline, received: call.receivedAt,
            progress: relay, trace: call.metadata.trace)
        let link = links.link(on: call.eventLoop)
        let requestID = invoke.requestID.isEmpty ? link.newRequestID() : invoke.requestID
        let ticket = link.ask({ .invoke(command, $0) }) { answer in
            switch answer {
            case .invoked(let answer):
                relay.deliver(isLast: true)
                var response = InvokeStreamResponse()
                response.update = .result(InvokeResponse(answer, to: requestID))
                call.send(response)
                call.finish()
            case .rejected(let rejection): call.fail(rejection.status)
            default: call.fail(.unexpectedAnswer)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// Calls many operations and settles them all.
    public func invokeAll(_ request: InvokeAllRequest, _ call: UnaryCall<InvokeAllResponse>) {
        var faults = FieldFaults()
        let count = request.invokes.count
        faults.check((1...1_000).contains(count), "invokes", "has \(count); 1 to 1000")
        for (index, invoke) in request.invokes.prefix(1_000).enumerated() {
            invoke.check(&faults, prefix: "invokes[\(index)].")
        }
        if let status = faults.status { return call.fail(status) }
        guard let namespace = call.namespace() else { return }
        let fanOut = InvokeFanOut(count: count, link: links.link(on: call.eventLoop), call: call)
        fanOut.begin(request.invokes, namespace: namespace)
    }

    /// Has an instance finish what it has and leave.
    public func drainAgent(_ request: DrainAgentRequest, _ call: UnaryCall<DrainAgentResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.agentID, "agent_id")
        faults.check(request.reason.utf8.count <= 256, "reason", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        let link = links.link(on: call.eventLoop)
        let id = AgentID(request.agentID)
        let ticket = link.ask({ .drainAgent(id, reason: request.reason, $0) }) { answer in
            switch answer {
            case .agents(let agents):
                call.respond(DrainAgentResponse(agent: agents.first.map(Messages.Agent.init)))
            case .rejected(let rejection): call.fail(rejection.status)
            default: call.fail(.unexpectedAnswer)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// Follows the pool.
    public func watchAgents(
        _ request: WatchAgentsRequest, _ call: ServerStreamCall<WatchAgentsResponse>
    ) {
        let count = request.agentType.utf8.count
        if count > 256 {
            return call.fail(.bad("agent_type", "is \(count) bytes; at most 256 are allowed"))
        }
        AgentWatch(type: request.agentType, link: links.link(on: call.eventLoop), call: call)
            .begin()
    }

    public func listAgents(_ request: ListAgentsRequest, _ call: UnaryCall<ListAgentsResponse>) {
        let after = AgentCursor(token: request.pageToken)
        var faults = FieldFaults()
        faults.checkPage(size: request.pageSize, token: request.pageToken)
        faults.check(
            request.pageToken.isEmpty || after != nil, "page_token",
            "is not from a page of this list")
        if let status = faults.status { return call.fail(status) }
        agents(of: request.agentType, call) { agents, pools in
            var response = ListAgentsResponse()
            if after == nil { response.pools = pools.map(Messages.AgentPool.init) }
            // They share the answer.
            var budget = PageBudget.pageBytes
            for pool in response.pools { budget -= pool.encoded(leaving: 0).count + 8 }
            let rest = agents.drop { agent in
                after.map { !$0.isBefore(agent.registration) } ?? false
            }
            let page = rest.page(
                limit: request.pageSize, maxBytes: max(0, budget), Messages.Agent.init)
            response.agents = page.entries
            if !page.isWhole, let last = page.entries.last {
                response.nextPageToken = AgentCursor(type: last.type, id: last.id).token
            }
            call.respond(response)
        }
    }

    public func getAgent(_ request: GetAgentRequest, _ call: UnaryCall<GetAgentResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.agentID, "agent_id")
        if let status = faults.status { return call.fail(status) }
        agents(of: "", call) { agents, pools in
            guard let agent = agents.first(where: { $0.registration.id.name == request.agentID })
            else { return call.fail(Self.noAgent(request.agentID)) }
            var response = GetAgentResponse()
            response.agent = Messages.Agent(agent)
            response.pool = pools.first { $0.type == agent.registration.type }
                .map(Messages.AgentPool.init)
            call.respond(response)
        }
    }

    public func checkHealth(_ request: CheckHealthRequest, _ call: UnaryCall<CheckHealthResponse>) {
        guard let limits = HealthLimits(request, call) else { return }
        let link = links.link(on: call.eventLoop)
        agents(of: request.agentType, call) { agents, _ in
            let check = HealthCheck(agents: agents, limits: limits, link: link, call: call)
            check.begin()
        }
    }

    /// Asks for the pool and hands on the instances and pools of `type` (all when empty), by type,
    /// then id.
    private func agents<Response>(
        of type: String, _ call: UnaryCall<Response>,
        _ receiver: @escaping ([AgentSummary], [PoolSummary]) -> Void
    ) {
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .listAgents($0) }) { answer in
            switch answer {
            case .listed(let agents, let pools):
                let wanted = agents.filter { type.isEmpty || $0.registration.type == type }
                receiver(
                    wanted.sorted { $0.registration.precedes($1.registration) },
                    pools.filter { type.isEmpty || $0.type == type })
            case .rejected(let rejection): call.fail(rejection.status)
            default: call.fail(.unexpectedAnswer)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    private static func noAgent(_ id: String) -> GRPCStatus {
        Rejection(
            .notFound, reason: "AGENT_NOT_FOUND",
            "no agent \(id) is in the pool; ListAgents names those that are"
        ).status
    }
}

extension AgentRegistration {
    func precedes(_ other: AgentRegistration) -> Bool {
        (type, id.name) < (other.type, other.id.name)
    }
}

extension NIODeadline {
    /// On the engine's monotonic clock, which is the one NIO reads too.
    var nanoseconds: Int64 { Int64(clamping: uptimeNanoseconds) }
}
