import Coordination
import Messages
import Threads

extension AssignmentToken {
    /// As it stands on the wire.
    init(wire: UInt64) { self.init(serial: Serial(rawValue: wire)) }
}

extension Messages.Payload {
    init(_ payload: Coordination.Payload) {
        self.init(data: payload.bytes, contentType: payload.contentType)
    }
}

extension Coordination.Payload {
    init(_ payload: Messages.Payload?) {
        let type = payload?.contentType ?? ""
        self.init(
            bytes: payload?.data ?? [],
            contentType: type.isEmpty || type == Self.json ? Self.json : type)
    }
}

extension Assignment {
    /// Takes an assignment off the wire for the instance `agent`.
    convenience init(
        _ wire: WorkAssignment, agent: String, nowNanos: Int64, progress: (any WorkerProgress)?
    ) {
        let token = AssignmentToken(wire: wire.token)
        var origin: StepOrigin?
        if let run = RunID(wire.runID) { origin = StepOrigin(run: run, step: wire.stepID) }
        let extras = AssignmentExtras.some(
            lastHeartbeat: wire.lastHeartbeat.map { Coordination.Payload($0) },
            progress: wire.wantsProgress
                ? progress.map { TokenProgress(token: token, worker: $0) } : nil,
            trace: TraceContext(traceparent: wire.traceparent))
        let wait = min(max(0, wire.deadlineMillis), 366 * 86_400_000)
        self.init(
            token: token, agent: AgentID(agent), operation: wire.operation,
            payload: Coordination.Payload(wire.payload),
            deadlineNanos: wait == 0 ? nil : nowNanos + wait * 1_000_000,
            attempt: Int(wire.attempt), namespace: Namespace(wire.namespace), origin: origin,
            mode: Coordination.OperatingMode(wire.mode), extras: extras)
    }
}

extension ModeChange {
    init(_ wire: ModeChanged) {
        self.init(namespace: Namespace(wire.namespace), mode: Coordination.OperatingMode(wire.mode))
    }

    /// What a welcome says: namespaces that it does not name are back in the normal mode.
    static func all(
        in welcome: Welcome, knowing known: some Sequence<Namespace>
    ) -> [ModeChange] {
        let named = welcome.modes.map(ModeChange.init)
        let others = Set(known).subtracting(named.map(\.namespace))
        return named + others.map { ModeChange(namespace: $0, mode: .normal) }
    }
}

extension Coordination.OperatingMode {
    /// A mode of a newer server is taken for the normal one.
    init(_ wire: WorkMode) {
        switch wire {
        case .degraded: self = .degraded
        case .emergency: self = .emergency
        default: self = .normal
        }
    }
}

/// One watched assignment's way to the stream.
private final class TokenProgress: ProgressPort {
    private let token: AssignmentToken
    private let worker: any WorkerProgress

    init(token: AssignmentToken, worker: any WorkerProgress) {
        self.token = token
        self.worker = worker
    }

    func progress(_ chunk: Coordination.Payload, attempt: Int) { worker.progress(token, chunk) }
}

extension WorkResult {
    /// Takes a result as the server will; one that is too large is a failure that says so.
    init(_ result: AssignmentResult) {
        self.init(
            token: result.token.serial.rawValue,
            executionMicros: max(0, result.endedNanos - result.startedNanos) / 1_000)
        switch result.outcome.bounded {
        case .success(let payload): outcome = .payload(Messages.Payload(payload))
        case .failure(let failure):
            outcome = .failure(
                Failure(
                    type: failure.type, message: failure.message, retryable: failure.retryable,
                    retryAfterMillis: failure.retryAfterMillis ?? 0))
        }
    }
}

extension WorkerAgent {
    init(_ registration: AgentRegistration, _ configuration: RemoteWorkerConfiguration) {
        self.init(
            type: registration.type,
            operations: registration.operations.map {
                Messages.Operation(
                    name: $0.name, summary: $0.summary, idempotent: $0.isIdempotent)
            },
            labels: FieldMap(
                lastWins: configuration.labels.sorted { $0.key < $1.key }.map {
                    .init(key: $0.key, value: $0.value)
                }),
            slots: Int32(clamping: configuration.slots), dependencies: registration.dependencies,
            buildID: configuration.buildID)
    }
}
