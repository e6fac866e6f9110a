import Coordination
import JSON

/// Something done to a run by its id or workflow id.
public struct OperateRun: Sendable, Hashable {
    /// Which run.
    public var run: RunReference
    /// What is done.
    public var operation: RunOperation
    /// Makes a repeat harmless; empty: none.
    public var requestID: String

    /// Fingerprint of all that it depends on; made by whoever builds the command.
    let contentHash: UInt64

    /// Combines the parts. O(bytes) when there is a request id, whose content is fingerprinted.
    public init(run: RunReference, operation: RunOperation, requestID: String = "") {
        self.run = run
        self.operation = operation
        self.requestID = requestID
        var hash = StableHash()
        if !requestID.isEmpty {
            hash.combine(run.requestWords)
            operation.combine(into: &hash)
        }
        contentHash = hash.value
    }

    private init(_ order: OperateRun, about run: RunReference) {
        self = order
        self.run = run
    }

    /// What its request id is remembered by.
    var requestKey: RequestLog.Key {
        RequestLog.Key(
            namespace: run.namespace, method: operation.method, requestID: requestID)
    }

    /// The same to the run of another reference.
    func about(_ run: RunReference) -> OperateRun {
        OperateRun(self, about: run)
    }
}

/// What operators and clients do to a run. Reasons are for the history and may be empty.
public enum RunOperation: Sendable, Hashable {
    case signal(RunSignal)
    case decide(ApprovalAnswer)
    case pause(reason: String)
    case resume(reason: String)
    /// Ends the run at once; nothing is undone.
    case terminate(reason: String)
    /// A closed run goes on: what failed is tried again, what completed is kept.
    case retry(reason: String)
    /// A dead letter of the run, named by its step, is tried again.
    case requeue(step: String)
    /// A dead letter is given up: its step fails.
    case discard(step: String)

    /// Whether it brings something new to be stored, so that a full disk refuses it.
    var isSignal: Bool {
        if case .signal = self { true } else { false }
    }

    /// About how much memory it takes while it waits.
    var payloadBytes: Int {
        switch self {
        case .signal(let signal): signal.payload.bytes.count
        case .decide(let answer): answer.payload.bytes.count
        case .pause, .resume, .terminate, .retry, .requeue, .discard: 0
        }
    }

    func combine(into hash: inout StableHash) {
        switch self {
        case .signal(let signal):
            hash.combine(signal.name)
            hash.combine(signal.payload.bytes)
        case .decide(let answer):
            hash.combine(answer.step)
            hash.combine(answer.payload.bytes)
        case .pause(let text), .resume(let text), .terminate(let text), .retry(let text),
            .requeue(let text):
            hash.combine(text)
        case .discard(let text):
            hash.combine(text)
            hash.combine("discard")
        }
    }

    /// The method's name, which scopes request ids. A discard is a requeue of other content.
    var method: String {
        switch self {
        case .signal: "SignalRun"
        case .decide: "DecideApproval"
        case .pause: "PauseRun"
        case .resume: "ResumeRun"
        case .terminate: "TerminateRun"
        case .retry: "RetryRun"
        case .requeue, .discard: "Requeue"
        }
    }
}

/// A named message to a run.
public struct RunSignal: Sendable, Hashable {
    /// 1 to 256 bytes.
    public var name: String
    /// Validated JSON (the edge has checked it).
    public var payload: Payload

    /// Combines the parts.
    public init(name: String, payload: Payload) {
        self.name = name
        self.payload = payload
    }
}

/// Somebody's answer to an `approval` step.
public struct ApprovalAnswer: Sendable, Hashable {
    /// The step's id.
    public var step: String
    public var decision: ApprovalDecision
    /// Who decided, 1 to 256 bytes.
    public var actor: String
    /// For the history; may be empty.
    public var comment: String
    /// The step's output: decision, actor, comment and form as one JSON object.
    public var payload: Payload

    /// Combines the parts; `form` is JSON text that the edge has checked, empty for none.
    public init(
        step: String, decision: ApprovalDecision, actor: String, comment: String,
        form: [UInt8] = []
    ) {
        self.step = step
        self.decision = decision
        self.actor = actor
        self.comment = comment
        payload = Self.output(decision, actor, comment, form)
    }

    private static func output(
        _ decision: ApprovalDecision, _ actor: String, _ comment: String, _ form: [UInt8]
    ) -> Payload {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("decision")
        writer.string(decision == .approve ? "approved" : "rejected")
        writer.key("by")
        writer.string(actor)
        if !comment.isEmpty {
            writer.key("comment")
            writer.string(comment)
        }
        writer.endObject()
        var bytes = writer.finish()
        if !form.isEmpty {
            bytes.removeLast()
            bytes += Array(",\"form\":".utf8) + form + [UInt8(ascii: "}")]
        }
        return Payload(bytes: bytes)
    }
}
