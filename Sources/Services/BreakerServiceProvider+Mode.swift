import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// The operating mode, its overrides, and the emergency plan.
extension BreakerServiceProvider {
    /// The operating mode of the namespace.
    public func getMode(_ request: GetModeRequest, _ call: UnaryCall<GetModeResponse>) {
        guard let namespace = call.namespace() else { return }
        ask(call, .getMode(namespace)) { answer in
            guard case .mode(let view) = answer else { return nil }
            return GetModeResponse(status: ModeStatus(view))
        }
    }

    /// Forces the operating mode, or lets it go.
    public func setMode(_ request: SetModeRequest, _ call: UnaryCall<SetModeResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkDuration(request.durationMillis, "duration_millis")
        var mode: Coordination.OperatingMode?
        switch request.change {
        case .mode(let wanted):
            mode = UInt8(exactly: wanted.rawValue).flatMap(Coordination.OperatingMode.init)
            faults.check(
                mode != nil, "mode", "is \(wanted.rawValue), which this server does not know")
        case .release(let isRelease):
            faults.check(isRelease, "release", "is false; set it to true, or set a mode")
            faults.check(
                request.durationMillis == 0, "duration_millis", "means nothing for a release")
        case nil: faults.check(false, "change", "is required: set mode or release")
        }
        faults.checkSignature(
            actor: request.actor, reason: request.reason, needsReason: mode != nil,
            requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let set = SetMode(
            namespace: namespace, mode: mode,
            forMillis: request.durationMillis == 0 ? nil : request.durationMillis,
            signature: call.signature(
                actor: request.actor, reason: request.reason, requestID: request.requestID))
        ask(call, .setMode(set)) { answer in
            guard case .mode(let view) = answer else { return nil }
            return SetModeResponse(status: ModeStatus(view))
        }
    }

    /// Sets what an emergency sets in motion.
    public func setEmergencyPlan(
        _ request: SetEmergencyPlanRequest, _ call: UnaryCall<SetEmergencyPlanResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let plan = Coordination.EmergencyPlan(request.plan ?? Messages.EmergencyPlan(), &faults)
        let policy = Coordination.ModePolicy(request.policy ?? Messages.ModePolicy())
        faults.add(plan.faults)
        faults.add(policy.faults)
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .setPlan(namespace, policy, plan, by: by)) { answer in
            guard case .mode(let view) = answer else { return nil }
            return SetEmergencyPlanResponse(status: ModeStatus(view))
        }
    }

    /// Takes the word that an emergency action is carried out.
    public func acknowledgeAction(
        _ request: AcknowledgeActionRequest, _ call: UnaryCall<AcknowledgeActionResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.action, "action")
        faults.check(request.order > 0, "order", "is required: the order that the status shows")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        let command = BreakerCommand.acknowledge(
            namespace, action: request.action, number: request.order, by: by)
        ask(call, command) { answer in
            guard case .mode(let view) = answer else { return nil }
            return AcknowledgeActionResponse(status: ModeStatus(view))
        }
    }

    /// The mode now, then after each change.
    public func watchMode(
        _ request: WatchModeRequest, _ call: ServerStreamCall<WatchModeResponse>
    ) {
        do throws(GRPCStatus) {
            let namespace = try call.metadata.namespace()
            let watch = StateWatch(link: links.link(on: call.eventLoop), call: call) { answer in
                guard case .breaker(.mode(let view)) = answer else { return nil }
                return [WatchModeResponse(status: ModeStatus(view))]
            }
            watch.begin { .breaker(.watchMode(namespace), $0) }
        } catch {
            call.fail(error)
        }
    }
}
