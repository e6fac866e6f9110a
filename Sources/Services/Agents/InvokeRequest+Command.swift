import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs

extension InvokeRequest {
    /// Notes everything that is wrong with it; `prefix` is where it stands in the request.
    func check(_ faults: inout FieldFaults, prefix: String = "") {
        faults.checkName(agentType, "\(prefix)agent_type")
        faults.checkName(operation, "\(prefix)operation")
        faults.check(
            !operation.hasPrefix("$"), "\(prefix)operation",
            "begins with $, as the server's own calls do; CheckHealth asks how agents are")
        faults.check(requestID.utf8.count <= 256, "\(prefix)request_id", "is over 256 bytes")
        faults.check(agentID.utf8.count <= 256, "\(prefix)agent_id", "is over 256 bytes")
        faults.check(
            (0...5).contains(priority), "\(prefix)priority",
            "is \(priority); 1 is first, 5 last, 0 the default of 3")
        faults.checkSize(payload, "\(prefix)payload")
        if hasExtras || durable { checkExtras(&faults, prefix) }
    }

    private func checkExtras(_ faults: inout FieldFaults, _ prefix: String) {
        faults.check(
            (0...86_400_000).contains(scheduleToStartMillis),
            "\(prefix)schedule_to_start_millis",
            "is \(scheduleToStartMillis); 0 to 86400000")
        faults.check(fairnessKey.utf8.count <= 64, "\(prefix)fairness_key", "is over 64 bytes")
        faults.check(
            (0...100).contains(fairnessWeight), "\(prefix)fairness_weight",
            "is \(fairnessWeight); 1 to 100, or 0 for the default of 1")
        faults.check(
            fairnessWeight == 0 || !fairnessKey.isEmpty, "\(prefix)fairness_weight",
            "needs a fairness_key")
        faults.check(affinityKey.utf8.count <= 256, "\(prefix)affinity_key", "is over 256 bytes")
        faults.check(key.utf8.count <= 256, "\(prefix)key", "is over 256 bytes")
        faults.check(
            key.isEmpty || parentToken != 0, "\(prefix)key", "needs a parent_token")
        faults.check(
            !durable, "\(prefix)durable",
            "is not served yet; put a workflow of one step and start it instead")
    }

    private var hasExtras: Bool {
        scheduleToStartMillis != 0 || !fairnessKey.isEmpty || !affinityKey.isEmpty
            || parentToken != 0 || !key.isEmpty || fairnessWeight != 0
    }

    /// The engine's form of a right request.
    func command(
        namespace: Namespace, deadline: NIODeadline?, received: NIODeadline,
        progress: (any ProgressPort)? = nil, trace: TraceContext?
    ) -> Invoke {
        let now = received.nanoseconds
        var extras: InvokeExtras?
        if progress != nil || trace != nil || hasExtras {
            extras = InvokeExtras(
                progress: progress,
                startByNanos: scheduleToStartMillis == 0
                    ? nil : now + scheduleToStartMillis * 1_000_000,
                fairnessKey: fairnessKey, fairnessWeight: max(1, Int(fairnessWeight)),
                affinityKey: affinityKey,
                parent: parentToken == 0 ? nil : AssignmentToken(wire: parentToken), key: key,
                trace: trace)
        }
        return Invoke(
            namespace: namespace, agentType: agentType,
            instance: agentID.isEmpty ? nil : AgentID(agentID), operation: operation,
            payload: Coordination.Payload(orEmptyObject: payload),
            deadlineNanos: deadline.map(\.nanoseconds), arrivedNanos: now,
            priority: priority == 0 ? 3 : Int(priority), extras: extras)
    }
}
