import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension Coordination.Payload {
    /// Takes a payload off the wire; an absent one is the empty JSON object.
    init(orEmptyObject payload: Messages.Payload?) {
        guard let payload, !payload.data.isEmpty else {
            self.init(bytes: Array("{}".utf8))
            return
        }
        // The usual type is one string for all, so that moving a payload about counts no
        // references to it.
        let isJSON = payload.contentType.isEmpty || payload.contentType == Self.json
        self.init(bytes: payload.data, contentType: isJSON ? Self.json : payload.contentType)
    }
}

extension Messages.Payload {
    init(_ payload: Coordination.Payload) {
        self.init()
        data = payload.bytes
        contentType = payload.contentType
    }
}

extension Messages.Failure {
    init(_ failure: StepFailure) {
        self.init()
        type = failure.type
        message = failure.message
        retryable = failure.retryable
        retryAfterMillis = failure.retryAfterMillis ?? 0
    }
}

extension InvokeResponse {
    /// The answer to an invoke.
    init(_ answer: InvokeAnswer, to requestID: String) {
        self.init()
        self.requestID = requestID
        switch answer.outcome {
        case .success(let payload):
            success = true
            outcome = .payload(Messages.Payload(payload))
        case .failure(let failure): outcome = .error(Failure(failure))
        }
        var metadata = InvokeMetadata()
        metadata.agent = answer.agent.name
        metadata.timestampUnixMillis = answer.atMillis
        metadata.queueMicros = answer.queueNanos / 1_000
        metadata.executionMicros = answer.executionNanos / 1_000
        metadata.attempts = Int32(clamping: answer.attempts)
        self.metadata = metadata
    }
}

extension Messages.Agent {
    init(_ summary: AgentSummary) {
        self.init()
        let registration = summary.registration
        id = registration.id.name
        type = registration.type
        location = registration.location
        operations = registration.operations.map(Messages.Operation.init)
        labels = FieldMap(
            lastWins: registration.labels.sorted { $0.key < $1.key }.map {
                .init(key: $0.key, value: $0.value)
            })
        slots = Int32(clamping: registration.slots)
        inFlight = Int32(clamping: summary.inFlight)
        completed = Int64(clamping: summary.completed)
        failed = Int64(clamping: summary.failed)
        busyMicros = summary.busyNanos / 1_000
        dependencies = registration.dependencies
        if summary.isolation != Coordination.Isolation() {
            isolation = Messages.Isolation(summary.isolation)
        }
        holds = summary.holds.words
        buildID = registration.buildID
        session = summary.session.map { view in
            Messages.AgentSession(
                connected: view.isConnected, credits: Int32(clamping: view.credits),
                leaseMillis: Int64(view.leaseMillis), leaseLeftMillis: view.leaseLeftMillis)
        }
    }
}

extension Messages.AgentPool {
    init(_ pool: PoolSummary) {
        self.init(
            agentType: pool.type, minInstances: Int32(clamping: pool.policy.minInstances),
            maxInstances: Int32(clamping: pool.policy.maxInstances),
            slots: Int32(clamping: pool.policy.slots), idleMillis: pool.policy.idleMillis,
            maxWaiting: Int32(clamping: pool.policy.maxWaiting),
            instances: Int32(clamping: pool.instances), starting: Int32(clamping: pool.starting),
            waiting: Int32(clamping: pool.waiting), created: pool.created, retired: pool.retired,
            lastFailure: pool.lastFailure)
    }
}

extension AgentHold {
    /// As people read them.
    fileprivate var words: [String] {
        let names: [(AgentHold, String)] = [
            (.noCredit, "no_credit"), (.disconnected, "disconnected"), (.draining, "draining"),
            (.isolated, "isolated"),
        ]
        return names.filter { contains($0.0) }.map(\.1)
    }
}

extension Messages.Operation {
    init(_ operation: OperationDescriptor) {
        self.init()
        name = operation.name
        summary = operation.summary
        idempotent = operation.isIdempotent
    }
}

extension FieldFaults {
    /// Notes a payload over 2 MiB.
    mutating func checkSize(_ payload: Messages.Payload?, _ field: @autoclosure () -> String) {
        let count = payload?.data.count ?? 0
        check(
            count <= 2 << 20, field(),
            "is \(count) bytes; at most 2 MiB are allowed: hand over a reference instead")
        let type = payload?.contentType.utf8.count ?? 0
        check(
            type <= Coordination.Payload.maxContentTypeBytes, "\(field()).content_type",
            "is \(type) bytes; at most \(Coordination.Payload.maxContentTypeBytes) are allowed")
    }
}

extension GRPCStatus {
    /// The engine answered something this call did not ask for: a fault of ours.
    static let unexpectedAnswer = GRPCStatus(
        .internalError, "the engine gave an unexpected answer; please report this")
}

extension TypedServerCall {
    /// The namespace of the call; a wrong one refuses the call and gives `nil`.
    func namespace() -> Namespace? {
        do throws(GRPCStatus) {
            return try call.namespace()
        } catch {
            fail(error)
            return nil
        }
    }
}
