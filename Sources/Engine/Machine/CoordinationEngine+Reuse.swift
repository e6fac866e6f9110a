import Coordination

/// Starts that depend on how the last run of their workflow id ended, which the store may have to
/// say.
///
/// While it is asked, other starts of that id wait behind, in order: none of them can begin and end
/// a run that the answer does not know of.
extension CoordinationEngine {
    /// Whether another start of the same workflow id is waiting for the store; this one then waits
    /// behind it.
    mutating func isBehindLookup(_ start: StartRun, _ ticket: ReplyTicket) -> Bool {
        if held.lookups.isEmpty || start.workflowID.isEmpty { return false }
        let name = ScopedName(namespace: start.namespace, name: start.workflowID)
        guard held.lookups[name] != nil else { return false }
        if let refusal = refusalOfHolding {
            reject(ticket, refusal)
        } else {
            held.keep(start, nil, ticket)
            held.lookups[name]?.append(ticket)
        }
        return true
    }

    /// Why no more starts may wait for something outside the engine.
    var refusalOfHolding: Rejection? {
        let isFull =
            held.starts.count >= limits.maxBacklogCommands
            || held.startBytes > limits.maxBacklogBytes
        return isFull ? .backlogFull(held.starts.count) : nil
    }

    /// A start whose workflow id no open run bears: how did the last one end?
    mutating func askReuse(_ start: StartRun, _ checked: PayloadID?, _ ticket: ReplyTicket) {
        let name = ScopedName(namespace: start.namespace, name: start.workflowID)
        if let last = workflowIndex[name] {
            // It has ended, and its end is not on disk yet.
            let summary = runs[last].machine.state.summary
            return decideReuse(
                start, checked, last: summary, seen: runs[last].changedIn, ticket)
        }
        if let refusal = refusalOfHolding { return reject(ticket, refusal) }
        held.keep(start, checked, ticket)
        held.lookups[name] = []
        ready.lookups.append(
            RunLookup(
                reference: .workflow(start.namespace, start.workflowID),
                purpose: .reuse(name: start.workflowID, start.namespace), ticket: ticket))
    }

    mutating func reuseKnown(
        _ last: Result<RunSummary?, Rejection>, _ namespace: Namespace, _ workflowID: String,
        _ ticket: ReplyTicket
    ) {
        let name = ScopedName(namespace: namespace, name: workflowID)
        let behind = held.lookups.removeValue(forKey: name) ?? []
        if let kept = held.drop(ticket) {
            switch last {
            case .failure(let rejection): reject(ticket, rejection)
            case .success(let summary):
                decideReuse(kept.start, kept.planID, last: summary, seen: .none, ticket)
            }
        }
        for next in behind {
            if let kept = held.drop(next) { startRun(kept.start, next, checked: kept.planID) }
        }
    }

    private mutating func decideReuse(
        _ start: StartRun, _ checked: PayloadID?, last: RunSummary?, seen: BatchNumber,
        _ ticket: ReplyTicket
    ) {
        if let last, last.status.isClosed, !start.reuse.allows(after: last.status) {
            return reject(ticket, .workflowIDUsed(start.workflowID, last), seen: seen)
        }
        startRun(start, ticket, checked: checked, isReusable: true)
    }
}

extension StartRun.ReusePolicy {
    func allows(after status: RunStatus) -> Bool {
        switch self {
        case .allow: true
        case .allowIfFailed: status != .completed
        case .reject: false
        }
    }
}

extension Rejection {
    static func workflowIDUsed(_ workflowID: String, _ last: RunSummary) -> Rejection {
        Rejection(
            .exists, reason: "WORKFLOW_ID_USED",
            "run \(last.id) of workflow id \"\(workflowID)\" has ended (\(last.status)), and the "
                + "reuse policy allows no other one; use another workflow_id")
    }
}
