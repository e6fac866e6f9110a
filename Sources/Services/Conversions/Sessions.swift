import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

extension AssignmentToken {
    /// As it stands on the wire.
    init(wire: UInt64) { self.init(serial: Serial(rawValue: wire)) }
}

extension SessionNews {
    /// Takes what a worker says in one message, and notes every wrong field.
    init(_ request: ConnectRequest, _ faults: inout FieldFaults) {
        self.init()
        faults.check(
            (0...65_536).contains(request.ready), "ready", "is \(request.ready); 0 to 65536")
        credits = Int(request.ready)
        isDraining = request.draining
        if !request.results.isEmpty {
            let now = SystemClock.monotonicNanos()
            results.reserveCapacity(request.results.count)
            for (index, result) in request.results.enumerated() {
                faults.check(result.outcome != nil, "results[\(index)].outcome", "is required")
                results.append(AssignmentResult(result, endedNanos: now))
            }
        }
        for (index, heartbeat) in request.heartbeats.enumerated() {
            let details = heartbeat.details ?? Messages.Payload()
            let limit = AssignmentHeartbeat.maxDetailBytes
            faults.check(
                details.data.count <= limit, "heartbeats[\(index)].details",
                "is over \(limit) bytes")
            let typeLimit = Coordination.Payload.maxContentTypeBytes
            faults.check(
                details.contentType.utf8.count <= typeLimit,
                "heartbeats[\(index)].details.content_type", "is over \(typeLimit) bytes")
            heartbeats.append(
                AssignmentHeartbeat(
                    token: AssignmentToken(wire: heartbeat.token),
                    details: Coordination.Payload(
                        bytes: details.data,
                        contentType: details.contentType.isEmpty
                            ? Coordination.Payload.json : details.contentType)))
        }
    }
}

extension AssignmentResult {
    /// Takes a worker's result; one that is too large is a failure that says so.
    init(_ result: WorkResult, endedNanos: Int64) {
        let outcome: AssignmentOutcome
        switch result.outcome {
        case .payload(let payload):
            outcome = .success(Coordination.Payload(orEmptyObject: payload))
        case .failure(let failure): outcome = .failure(StepFailure(failure))
        case nil: outcome = .failure(StepFailure(Messages.Failure()))
        }
        // A worker's word may be any number; no sum of times may overflow.
        let micros = min(max(0, result.executionMicros), 86_400_000_000)
        self.init(
            token: AssignmentToken(wire: result.token), outcome: outcome.bounded,
            startedNanos: endedNanos - micros * 1_000, endedNanos: endedNanos)
    }
}

extension StepFailure {
    init(_ failure: Messages.Failure) {
        self.init(
            type: failure.type.isEmpty ? "agent_error" : failure.type, message: failure.message,
            retryable: failure.retryable,
            retryAfterMillis: failure.retryAfterMillis > 0 ? failure.retryAfterMillis : nil)
    }
}

extension WorkAssignment {
    init(_ assignment: Assignment) {
        self.init()
        token = assignment.token.serial.rawValue
        fencingToken = assignment.token.serial.rawValue
        operation = assignment.operation
        payload = Messages.Payload(assignment.payload)
        if let deadline = assignment.deadlineNanos, deadline != .max {
            let left = deadline - SystemClock.monotonicNanos()
            deadlineMillis = max(1, (left + 999_999) / 1_000_000)
        }
        attempt = Int32(clamping: assignment.attempt)
        mode = WorkMode(assignment.mode)
        namespace = assignment.namespace.name
        if let origin = assignment.origin {
            runID = origin.run.description
            stepID = origin.step
        }
        guard let extras = assignment.extras else { return }
        lastHeartbeat = extras.lastHeartbeat.map(Messages.Payload.init)
        wantsProgress = extras.progress != nil
        traceparent = extras.trace?.traceparent ?? ""
    }
}

extension Messages.Welcome {
    init(_ welcome: SessionWelcome) {
        self.init()
        session = welcome.session.description
        agentID = welcome.agent.name
        leaseMillis = Int64(welcome.leaseMillis)
        resumed = welcome.isResumed
        modes = welcome.modes.map(Messages.ModeChanged.init)
    }
}

extension Messages.ModeChanged {
    init(_ change: ModeChange) {
        self.init(namespace: change.namespace.name, mode: WorkMode(change.mode))
    }
}

extension WorkMode {
    init(_ mode: Coordination.OperatingMode) {
        switch mode {
        case .normal: self = .normal
        case .degraded: self = .degraded
        case .emergency: self = .emergency
        }
    }
}

extension SessionRefusal {
    /// What the worker sees.
    var status: GRPCStatus {
        let (code, reason): (GRPCStatusCode, String) =
            switch self.reason {
            case .idTaken: (.alreadyExists, "AGENT_ID_TAKEN")
            case .draining: (.unavailable, "SERVER_DRAINING")
            case .tooMany: (.resourceExhausted, "TOO_MANY_SESSIONS")
            case .tooManyTypes: (.resourceExhausted, "TOO_MANY_AGENT_TYPES")
            }
        return GRPCStatus(
            code, message, reason: reason, retryDelay: .milliseconds(retryAfterMillis))
    }
}

extension SessionHello {
    /// Takes a worker's first word, and notes every wrong field; an instance without an id is given
    /// one. `nil`: it does not say what the instance is.
    init?(_ hello: Messages.Hello, peer: String, _ faults: inout FieldFaults) {
        faults.check(hello.agent != nil, "hello.agent", "is required")
        hello.agent?.check(&faults)
        let session = SessionID(hello.resumeSession)
        faults.check(
            hello.resumeSession.isEmpty || session != nil, "hello.resume_session",
            "is not a session id; send what welcome said, or nothing")
        faults.check(hello.held.count <= 65_536, "hello.held", "has over 65536 tokens")
        faults.check(
            hello.leaseMillis == 0 || (500...300_000).contains(hello.leaseMillis),
            "hello.lease_millis", "is \(hello.leaseMillis); 500 to 300000, 0 for the default")
        guard let agent = hello.agent else { return nil }
        self.init(
            registration: AgentRegistration(agent, peer: peer), hasMadeID: agent.id.isEmpty,
            resume: session,
            held: hello.held.map { AssignmentToken(wire: $0) },
            leaseMillis: hello.leaseMillis == 0 ? 10_000 : Int(hello.leaseMillis),
            secret: .random(in: .min ... .max))
    }
}

extension WorkerAgent {
    /// Notes everything that is wrong with it.
    fileprivate func check(_ faults: inout FieldFaults) {
        faults.checkName(type, "hello.agent.type")
        faults.check(id.utf8.count <= 256, "hello.agent.id", "is over 256 bytes")
        faults.check(buildID.utf8.count <= 256, "hello.agent.build_id", "is over 256 bytes")
        faults.check(
            (0...65_536).contains(slots), "hello.agent.slots", "is \(slots); 0 to 65536")
        faults.check(!operations.isEmpty, "hello.agent.operations", "is required")
        faults.check(operations.count <= 1_000, "hello.agent.operations", "are over 1000")
        for (index, operation) in operations.prefix(1_000).enumerated() {
            let field = "hello.agent.operations[\(index)]"
            faults.checkName(operation.name, "\(field).name")
            faults.check(
                !operation.name.hasPrefix("$"), "\(field).name",
                "begins with $, which is the server's own")
            faults.check(
                operation.summary.utf8.count <= 1_024, "\(field).summary", "is over 1024 bytes")
        }
        faults.check(
            Set(operations.map(\.name)).count == operations.count, "hello.agent.operations",
            "name one operation twice")
        faults.check(labels.count <= 64, "hello.agent.labels", "are over 64")
        for label in labels.prefix(64) {
            faults.checkName(label.key, "hello.agent.labels")
            faults.check(
                label.value.utf8.count <= 256, "hello.agent.labels", "have a value over 256 bytes")
        }
        faults.check(dependencies.count <= 64, "hello.agent.dependencies", "are over 64")
        for dependency in dependencies.prefix(64) {
            faults.checkName(dependency, "hello.agent.dependencies")
        }
    }
}

extension AgentRegistration {
    init(_ agent: WorkerAgent, peer: String) {
        let id = agent.id.isEmpty ? Self.newID(agent.type) : agent.id
        self.init(
            id: AgentID(id), type: agent.type,
            operations: agent.operations.map {
                OperationDescriptor(
                    name: $0.name, summary: $0.summary, isIdempotent: $0.idempotent)
            },
            labels: agent.labels.dictionary,
            slots: agent.slots == 0 ? AgentSession.maxCredits : Int(agent.slots),
            dependencies: agent.dependencies, location: peer, buildID: agent.buildID)
    }

    /// By chance, since a worker keeps it over restarts of the server. With a long type only its
    /// beginning, since the worker names the id when it comes back: at most 256 bytes.
    private static func newID(_ type: String) -> String {
        let chance = String(UInt64.random(in: .min ... .max), radix: 36)
        return "\(type.prefix(bytes: 255 - chance.utf8.count))/\(chance)"
    }
}
