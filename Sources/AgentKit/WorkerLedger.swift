import Coordination
import Messages
import Threads

/// What a remote worker knows of its session: what it holds, which results the server has not
/// taken yet, and what it has to say. Pure but for the times that come in with what happens.
struct WorkerLedger: Sendable {
    /// What a message of the server's asks for.
    struct Received: Sendable {
        var assignments: [Assignment] = []
        var cancelled: [AssignmentToken] = []
        var isDrainRequested = false
        /// Namespaces that work in another mode than was known.
        var modes: [ModeChange] = []
    }

    private enum Work { case running(isProbe: Bool), forgotten }

    let slots: Int
    /// The id to ask for; the server gives one when it is empty, and that is kept.
    private(set) var agentID: String
    private(set) var session = ""
    private(set) var leaseMillis: Int64
    private(set) var isWelcome = false
    private(set) var isDraining = false
    private var working: [AssignmentToken: Work] = [:]
    private var unaccepted: [AssignmentToken: WorkResult] = [:]
    /// The modes that are not the normal one.
    private var modes: [Namespace: Coordination.OperatingMode] = [:]
    private var out = ConnectRequest()
    private var outBytes = 0

    /// Results that are gathered into one message at most; the server refuses messages over 4 MiB.
    private static let fullBytes = 1 << 20

    init(slots: Int, agentID: String, leaseMillis: Int64) {
        self.slots = slots
        self.agentID = agentID
        self.leaseMillis = leaseMillis
    }

    /// Whether nothing is worked on and every result was taken.
    var isIdle: Bool { working.isEmpty && unaccepted.isEmpty }

    // MARK: Streams

    /// The first message on a new stream.
    mutating func hello(_ agent: WorkerAgent) -> ConnectRequest {
        isWelcome = false
        out = ConnectRequest()
        outBytes = 0
        var hello = Hello()
        hello.agent = agent
        hello.agent?.id = agentID
        hello.resumeSession = session
        hello.leaseMillis = leaseMillis
        hello.held = heldTokens.map(\.serial.rawValue)
        return ConnectRequest(hello: hello)
    }

    /// What is still worked on or not taken; probes die with their stream.
    private var heldTokens: [AssignmentToken] {
        let running = working.filter {
            if case .running(isProbe: false) = $1 { true } else { false }
        }
        return running.keys.sorted() + unaccepted.keys.sorted()
    }

    private mutating func welcomed(_ welcome: Welcome) {
        isWelcome = true
        session = welcome.session
        agentID = welcome.agentID
        leaseMillis = welcome.leaseMillis
        for token in unaccepted.keys.sorted() {
            if let result = unaccepted[token] { say(result) }
        }
        let busy = working.values.count {
            if case .running(isProbe: true) = $0 { false } else { true }
        }
        out.ready = isDraining ? 0 : Int32(clamping: max(0, slots - busy))
        out.draining = isDraining
    }

    /// Takes nothing new any more.
    mutating func drain() {
        isDraining = true
        out.ready = 0
        out.draining = isWelcome
    }

    // MARK: What the server says

    mutating func received(
        _ response: ConnectResponse, nowNanos: Int64, progress: (any WorkerProgress)?
    ) -> Received {
        var received = Received()
        if let welcome = response.welcome {
            welcomed(welcome)
            received.modes = modesChanged(ModeChange.all(in: welcome, knowing: modes.keys))
        }
        received.modes += modesChanged(response.modeChanged.map(ModeChange.init))
        for token in response.accepted { unaccepted[AssignmentToken(wire: token)] = nil }
        for token in response.stale + response.cancelled {
            let token = AssignmentToken(wire: token)
            unaccepted[token] = nil
            guard working[token] != nil else { continue }
            // The credit goes back when the operation has really ended.
            working[token] = .forgotten
            received.cancelled.append(token)
        }
        received.isDrainRequested = response.drainRequested != nil
        for wire in response.assignments {
            received.assignments.append(take(wire, isProbe: false, nowNanos, progress))
        }
        for wire in response.probes {
            received.assignments.append(take(wire, isProbe: true, nowNanos, progress))
        }
        return received
    }

    private mutating func modesChanged(_ changes: [ModeChange]) -> [ModeChange] {
        for change in changes {
            modes[change.namespace] = change.mode == .normal ? nil : change.mode
        }
        return changes
    }

    private mutating func take(
        _ wire: WorkAssignment, isProbe: Bool, _ nowNanos: Int64, _ progress: (any WorkerProgress)?
    ) -> Assignment {
        let assignment = Assignment(wire, agent: agentID, nowNanos: nowNanos, progress: progress)
        working[assignment.token] = .running(isProbe: isProbe)
        return assignment
    }

    // MARK: What the agent says

    mutating func finished(_ results: [AssignmentResult]) {
        for result in results {
            guard let work = working.removeValue(forKey: result.token) else { continue }
            switch work {
            case .forgotten: giveCredit()
            case .running(let isProbe):
                let wire = WorkResult(result)
                if !isProbe {
                    unaccepted[result.token] = wire
                    giveCredit()
                }
                if isWelcome { say(wire) }
            }
        }
    }

    mutating func heartbeat(_ heartbeat: AssignmentHeartbeat) {
        guard isWelcome, working[heartbeat.token] != nil else { return }
        let token = heartbeat.token.serial.rawValue
        out.heartbeats.removeAll { $0.token == token }
        out.heartbeats.append(
            WorkHeartbeat(token: token, details: Messages.Payload(heartbeat.details)))
    }

    mutating func progress(_ token: AssignmentToken, _ chunk: Coordination.Payload) {
        guard isWelcome, working[token] != nil else { return }
        outBytes += chunk.bytes.count + 64
        out.progress.append(
            WorkProgress(token: token.serial.rawValue, chunk: Messages.Payload(chunk)))
    }

    private mutating func giveCredit() {
        if isWelcome, !isDraining { out.ready += 1 }
    }

    private mutating func say(_ result: WorkResult) {
        if case .payload(let payload) = result.outcome { outBytes += payload.data.count }
        outBytes += 64
        out.results.append(result)
    }

    // MARK: What goes out

    /// What has gathered, or a sign of life; `nil` while there is nothing to say.
    mutating func takeMessage(isAliveDue: Bool) -> ConnectRequest? {
        guard isWelcome, isAliveDue || out != ConnectRequest() else { return nil }
        var message = out
        out = ConnectRequest()
        if outBytes > Self.fullBytes { split(&message) }
        outBytes = out.results.isEmpty ? 0 : outBytes
        return message
    }

    /// Leaves what would make the message too large for the next one.
    private mutating func split(_ message: inout ConnectRequest) {
        var bytes = 0
        let fitting = message.results.prefix { result in
            if case .payload(let payload) = result.outcome { bytes += payload.data.count }
            return bytes <= Self.fullBytes
        }
        let count = max(1, fitting.count)
        guard message.results.count > count else { return }
        out.results = Array(message.results[count...])
        message.results.removeSubrange(count...)
    }
}

/// Takes the progress of remote assignments to the worker's stream.
protocol WorkerProgress: AnyObject, Sendable {
    func progress(_ token: AssignmentToken, _ chunk: Coordination.Payload)
}
