import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// The failure isolator, as people see it.
extension AgentServiceProvider {
    /// Takes an instance out of the choice.
    public func isolateAgent(
        _ request: IsolateAgentRequest, _ call: UnaryCall<IsolateAgentResponse>
    ) {
        // Agents belong to no namespace, but one that is no name is refused everywhere.
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkName(request.agentID, "agent_id")
        faults.checkDuration(request.durationMillis, "duration_millis")
        faults.checkSignature(
            actor: request.actor, reason: request.reason, needsReason: true,
            requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(
            actor: request.actor, reason: request.reason, requestID: request.requestID)
        let millis = request.durationMillis == 0 ? nil : request.durationMillis
        ask(call, .isolate(AgentID(request.agentID), forMillis: millis, by: by)) { answer in
            guard case .isolation(_, let isolation) = answer else { return nil }
            return IsolateAgentResponse(isolation: Messages.Isolation(isolation))
        }
    }

    /// Gives an instance its full load again.
    public func restoreAgent(
        _ request: RestoreAgentRequest, _ call: UnaryCall<RestoreAgentResponse>
    ) {
        // Agents belong to no namespace, but one that is no name is refused everywhere.
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkName(request.agentID, "agent_id")
        faults.checkSignature(
            actor: request.actor, reason: request.reason, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(
            actor: request.actor, reason: request.reason, requestID: request.requestID)
        ask(call, .restore(AgentID(request.agentID), by: by)) { answer in
            guard case .isolation(_, let isolation) = answer else { return nil }
            return RestoreAgentResponse(isolation: Messages.Isolation(isolation))
        }
    }

    /// Sets when failing instances of a type are isolated.
    public func setIsolationPolicy(
        _ request: SetIsolationPolicyRequest, _ call: UnaryCall<SetIsolationPolicyResponse>
    ) {
        // Agents belong to no namespace, but one that is no name is refused everywhere.
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkName(request.agentType, "agent_type")
        let policy = Coordination.IsolationPolicy(request.policy ?? Messages.IsolationPolicy())
        faults.add(policy.faults(forType: request.agentType))
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .setPolicy(type: request.agentType, policy, by: by)) { answer in
            guard case .isolationPolicy(let policy) = answer else { return nil }
            return SetIsolationPolicyResponse(policy: Messages.IsolationPolicy(policy))
        }
    }

    /// The isolation policy of a type.
    public func getIsolationPolicy(
        _ request: GetIsolationPolicyRequest, _ call: UnaryCall<GetIsolationPolicyResponse>
    ) {
        // Agents belong to no namespace, but one that is no name is refused everywhere.
        guard call.namespace() != nil else { return }
        var faults = FieldFaults()
        faults.checkName(request.agentType, "agent_type")
        if let status = faults.status { return call.fail(status) }
        ask(call, .getPolicy(type: request.agentType)) { answer in
            guard case .isolationPolicy(let policy) = answer else { return nil }
            return GetIsolationPolicyResponse(policy: Messages.IsolationPolicy(policy))
        }
    }

    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: IsolationCommand,
        _ make: @escaping (Answer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .isolation(command, $0) }) { answer in
            if let response = make(answer) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
