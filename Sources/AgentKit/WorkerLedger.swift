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

    private struct Work {
        var isProbe: Bool
        /// Nobody waits for it any more, but it still runs.
        var isForgotten = false
    }

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
    private var outbox = WorkerOutbox()
    /// Credits to give with the next message, and those that have to wait.
    private var ready = 0
    private var withheld = 0
    private var tellsDrain = false

    /// The server takes a hello that names so many tokens.
    private static let maxHeld = 65_536

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
        outbox = WorkerOutbox()
        ready = 0
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
        let running = working.filter { !$1.isProbe && !$1.isForgotten }
        return running.keys.sorted() + unaccepted.keys.sorted()
    }

    private mutating func welcomed(_ welcome: Welcome) {
        isWelcome = true
        session = welcome.session
        agentID = welcome.agentID
        leaseMillis = welcome.leaseMillis
        for token in unaccepted.keys.sorted() {
            if let result = unaccepted[token] { outbox.add(result) }
        }
        withheld = max(0, slots - working.values.count { !$0.isProbe })
        giveCredits()
        tellsDrain = isDraining
    }

    /// Takes nothing new any more.
    mutating func drain() {
        isDraining = true
        ready = 0
        tellsDrain = isWelcome
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
        received.cancelled = response.stale.compactMap { forget($0) }
        for wire in response.assignments {
            received.assignments.append(take(wire, isProbe: false, nowNanos, progress))
        }
        for wire in response.probes {
            received.assignments.append(take(wire, isProbe: true, nowNanos, progress))
        }
        // After the assignments: what came in this very message may be cancelled by it.
        received.cancelled += response.cancelled.compactMap { forget($0) }
        received.isDrainRequested = response.drainRequested != nil
        giveCredits()
        return received
    }

    /// Nobody waits for it: returns what is to be stopped. The credit goes back when the operation
    /// has really ended.
    private mutating func forget(_ wire: UInt64) -> AssignmentToken? {
        let token = AssignmentToken(wire: wire)
        unaccepted[token] = nil
        guard working[token] != nil else { return nil }
        working[token]?.isForgotten = true
        return token
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
        working[assignment.token] = Work(isProbe: isProbe)
        return assignment
    }

    // MARK: What the agent says

    mutating func finished(_ results: [AssignmentResult]) {
        for result in results {
            guard let work = working.removeValue(forKey: result.token) else { continue }
            if !work.isProbe { withheld += 1 }
            if work.isForgotten { continue }
            let wire = WorkResult(result)
            if !work.isProbe { unaccepted[result.token] = wire }
            if isWelcome { outbox.add(wire) }
        }
        giveCredits()
    }

    mutating func heartbeat(_ heartbeat: AssignmentHeartbeat) {
        guard isWelcome, working[heartbeat.token] != nil else { return }
        outbox.add(
            WorkHeartbeat(
                token: heartbeat.token.serial.rawValue,
                details: Messages.Payload(heartbeat.details)))
    }

    mutating func progress(_ token: AssignmentToken, _ chunk: Coordination.Payload) {
        guard isWelcome, working[token] != nil else { return }
        outbox.add(
            WorkProgress(token: token.serial.rawValue, chunk: Messages.Payload(chunk)))
    }

    /// Gives the credits that may be given: never so many that all that is worked on and all that
    /// is not accepted yet could not be named in one hello.
    private mutating func giveCredits() {
        guard isWelcome, !isDraining else { return }
        let kept = max(0, unaccepted.count + slots - Self.maxHeld)
        guard withheld > kept else { return }
        ready += withheld - kept
        withheld = kept
    }

    // MARK: What goes out

    /// What has gathered, or a sign of life; `nil` while there is nothing to say.
    mutating func takeMessage(isAliveDue: Bool) -> ConnectRequest? {
        let hasNews = ready > 0 || tellsDrain || !outbox.isEmpty
        guard isWelcome, isAliveDue || hasNews else { return nil }
        var message = ConnectRequest(ready: Int32(clamping: ready), draining: tellsDrain)
        ready = 0
        tellsDrain = false
        outbox.fill(&message)
        return message
    }
}

/// Takes the progress of remote assignments to the worker's stream.
protocol WorkerProgress: AnyObject, Sendable {
    func progress(_ token: AssignmentToken, _ chunk: Coordination.Payload)
}
