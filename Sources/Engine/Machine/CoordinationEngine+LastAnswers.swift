import Coordination

/// Callers of a server that goes down. No step, item or call begins any more, so that many answers
/// cannot come before the next start: who waits for one is told at once, instead of using up the time
/// in which the others may still be answered.
extension CoordinationEngine {
    /// Callers that wait for the end of a run, while it drains.
    public var openAwaitCount: Int {
        lastCallers.count { if case .awaiting = open[$0] { true } else { false } }
    }

    /// Turns away whose answer cannot come before the next start.
    mutating func refuseUnanswerable() {
        let callers = lastCallers
        lastCallers = []
        for ticket in callers where mayBeAnswered(ticket) { lastCallers.append(ticket) }
        settle()
    }

    /// Whether a caller still waits and may be answered; if not, it is told so.
    private mutating func mayBeAnswered(_ ticket: ReplyTicket) -> Bool {
        switch open[ticket] {
        case .awaiting(let run):
            if isAtWork(run) { return true }
            abandon(ticket)
            reject(ticket, .runGoesOnLater(runs[run].machine.state.id))
        case .submitted:
            if !isStaying(ticket) { return true }
            abandon(ticket)
            reject(ticket, .itemsGoOnLater)
        case .invoke(let job):
            if mayBegin(job) { return true }
            // What is delivered to an agent is delivered again after the start.
            if ticket.port == Self.eventPort {
                endInvoke(job)
            } else {
                turnAway(job, ticket, .draining)
            }
        default: break
        }
        return false
    }

    /// Whether a call has begun, or waits for instances that are there.
    private mutating func mayBegin(_ job: Int32) -> Bool {
        jobs[job].phase != .waiting || hasInstances(jobs[job].type)
    }

    /// Whether all items that a call waits for stay where they are stored.
    private mutating func isStaying(_ ticket: ReplyTicket) -> Bool {
        guard let call = items.calls[ticket] else { return false }
        return call.items.allSatisfy { id in
            guard let id, let item = items.items[id] else { return true }
            return items.cells[item.batch].line.isStaying(id)
        }
    }

    /// Whether a run may end without a step that begins: somebody works on it, or the engine does.
    private mutating func isAtWork(_ run: Int32) -> Bool {
        if runs[run].machine.isFinishing { return true }
        for step in runs[run].machine.state.steps.indices where isAtWork(run, step) {
            return true
        }
        return false
    }

    private mutating func isAtWork(_ run: Int32, _ step: Int) -> Bool {
        let isPaused = runs[run].machine.state.status == .paused
        switch runs[run].machine.state.steps[step].state {
        case .running: return isInHands(runs[run].steps[step].job)
        case .scheduled: return !isPaused && isBeingMade(run, step)
        case .evaluating: return !isPaused
        case .waiting:
            if runs[run].machine.isCollecting(step) { return true }
            let child = runs[run].machine.state.steps[step].extra.value.child
            return child.flatMap { runIndex[$0] }.map { isAtWork($0) } ?? false
        case .pending, .waitingRetry, .parked, .completed, .failed, .skipped, .cancelled:
            return false
        }
    }

    /// Whether an instance works on a job that can still be heard.
    private mutating func isInHands(_ job: Int32) -> Bool {
        job >= 0 && jobs[job].agent >= 0 && !isCutOffByDrain(job)
    }

    /// Whether a step that has not begun needs nobody new: its input is being made for the instance
    /// whose slot it has, its voters have been asked, or it needs no agent.
    private mutating func isBeingMade(_ run: Int32, _ step: Int) -> Bool {
        let state = runs[run].machine.state
        switch state.work(of: step).definition.kind {
        case .invoke: return isInHands(runs[run].steps[step].job)
        case .ballot: return ballots.ofSteps[StepPlace(run: state.id, step: step)] != nil
        case .wait, .approval, .publish, .child, .fanOut, .continueAsNew:
            return !runs[run].steps[step].isHeldByMode
        }
    }
}

extension Rejection {
    static func runGoesOnLater(_ run: RunID) -> Rejection {
        Rejection(
            .unavailable, reason: "SERVER_DRAINING",
            "the server is shutting down; run \(run) goes on after its restart, wait for it again "
                + "then")
    }

    static let itemsGoOnLater = Rejection(
        .unavailable, reason: "SERVER_DRAINING",
        "the server is shutting down; what was submitted is stored and goes on after its restart, "
            + "submit it again with the same request_id then")
}
