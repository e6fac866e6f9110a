import Coordination
import Messages
import Stubs

/// What the engine has for one worker and its stream has not sent yet, cut into messages well below
/// the 4 MiB that clients refuse. What a slow worker does not take waits here, bounded by the
/// credits it has given and by what it says: its stream is not read on either.
struct SessionOutbox {
    /// What is rare and small: the welcome, changes of the mode, the wish that it drains.
    private var head = ConnectResponse()
    private var accepted: [UInt64] = []
    private var stale: [UInt64] = []
    private var assignments = UnsentAssignments()
    private var cancelled: [UInt64] = []

    /// A message is closed when it has so many bytes; one payload, up to 2 MiB, may go beyond.
    static let fullBytes = 1 << 20
    /// Tokens of one kind in a message.
    static let maxTokens = 16_384

    /// Whether something in it is waited for. That a result was taken is not: the worker only keeps
    /// the result until it hears so.
    var isPressing: Bool {
        !assignments.isEmpty || !cancelled.isEmpty || !stale.isEmpty || head.welcome != nil
            || head.drainRequested != nil || !head.modeChanged.isEmpty
    }

    mutating func welcome(_ welcome: SessionWelcome) { head.welcome = Messages.Welcome(welcome) }

    mutating func accept(_ token: AssignmentToken) { accepted.append(token.serial.rawValue) }

    mutating func refuse(_ token: AssignmentToken) { stale.append(token.serial.rawValue) }

    mutating func askToDrain(_ reason: String) {
        head.drainRequested = Messages.DrainRequested(reason: reason)
    }

    mutating func changeMode(_ change: ModeChange) {
        head.modeChanged.append(Messages.ModeChanged(change))
    }

    mutating func assign(_ assignment: Assignment) { assignments.append(assignment) }

    /// The worker hears of it if it was sent the assignment.
    mutating func cancel(_ token: AssignmentToken) {
        if !assignments.takeBack(token) { cancelled.append(token.serial.rawValue) }
    }

    /// How many assignments were cancelled before it was their turn to be sent, since the last time:
    /// the worker hears nothing of them, and their credits are free again.
    mutating func takeFreedCredits() -> Int { assignments.takeFreedCredits() }

    /// The next message; `nil`: all is said.
    mutating func next() -> ConnectResponse? {
        guard isPressing || !accepted.isEmpty else { return nil }
        var message = head
        head = ConnectResponse()
        message.accepted = Self.take(&accepted)
        message.stale = Self.take(&stale)
        addAssignments(to: &message)
        // A worker must have heard of what it is to stop.
        if assignments.isEmpty { message.cancelled = Self.take(&cancelled) }
        return message
    }

    private static func take(_ tokens: inout [UInt64]) -> [UInt64] {
        if tokens.count <= maxTokens {
            defer { tokens = [] }
            return tokens
        }
        defer { tokens.removeFirst(maxTokens) }
        return Array(tokens[..<maxTokens])
    }

    private mutating func addAssignments(to message: inout ConnectResponse) {
        var bytes = 0
        while bytes < Self.fullBytes, let assignment = assignments.popFirst() {
            let wire = WorkAssignment(assignment)
            bytes += wire.roughBytes
            if assignment.operation == Assignment.healthOperation {
                message.probes.append(wire)
            } else {
                message.assignments.append(wire)
            }
        }
    }
}

extension WorkAssignment {
    /// At least what it takes on the wire.
    fileprivate var roughBytes: Int {
        let texts =
            operation.utf8.count + namespace.utf8.count + runID.utf8.count + stepID.utf8.count
        let payloads = [payload, lastHeartbeat].compactMap { $0 }
        return payloads.reduce(128 + texts) {
            $0 + $1.data.count + $1.contentType.utf8.count + 16
        }
    }
}
