import Coordination

/// Invokes that the engine makes itself, for ballots and batches. They go the way of every other
/// one; their answers come back here instead of leaving.
struct OwnCalls: Sendable {
    /// What a call is for.
    enum Purpose: Sendable, Hashable {
        case vote(ballot: Int32, voter: Int)
        case batch(Int32, serial: UInt64, number: UInt64)
        /// The outcome of a step's ballot.
        case step(StepPlace, attempt: Int)
    }

    /// What a call came to.
    struct Reply: Sendable {
        var call: UInt64
        var answer: Answer
        /// The newest batch that the answer read or wrote.
        var seen: BatchNumber
    }

    /// The port of their tickets, which nobody attaches to.
    static let port = -1

    private var purposes: [UInt64: Purpose] = [:]
    private var last: UInt64 = 0
    /// Answers that wait for the decision under way to end.
    var replies: [Reply] = []

    /// What the calls without an answer are for.
    var open: [Purpose] { Array(purposes.values) }

    /// A ticket for a call.
    mutating func open(_ purpose: Purpose) -> ReplyTicket {
        last += 1
        purposes[last] = purpose
        return ReplyTicket(port: Self.port, call: last)
    }

    /// Forgets a call and says what it was for; `nil`: it was forgotten before.
    mutating func close(_ call: UInt64) -> Purpose? { purposes.removeValue(forKey: call) }
}

extension ReplyTicket {
    /// Whether the engine itself waits for the answer.
    var isOwn: Bool { port < 0 }
}

extension CoordinationEngine {
    /// Calls an agent on the engine's own behalf. The answer comes when the decision under way has
    /// ended, also that of a call that is refused at once.
    ///
    /// - Returns: the number to forget it by.
    mutating func call(_ invoke: Invoke, for purpose: OwnCalls.Purpose) -> UInt64 {
        let ticket = ownCalls.open(purpose)
        self.invoke(invoke, ticket)
        return ticket.call
    }

    /// Nobody wants the answer any more: the assignment is cancelled.
    mutating func forgetOwn(_ call: UInt64) {
        guard ownCalls.close(call) != nil else { return }
        abandon(ReplyTicket(port: OwnCalls.port, call: call))
    }

    mutating func take(_ reply: OwnCalls.Reply) {
        switch ownCalls.close(reply.call) {
        case .vote(let ballot, let voter): voteCame(ballot, voter, reply.answer, seen: reply.seen)
        case .batch(let batch, let serial, let number):
            batchAnswered(batch, serial: serial, number, reply.answer, seen: reply.seen)
        case .step(let place, let attempt):
            stepBallotEnded(place, attempt: attempt, reply.answer)
        case nil: break
        }
    }
}
