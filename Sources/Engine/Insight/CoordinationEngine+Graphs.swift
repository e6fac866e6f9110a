import Coordination

/// How runs change, for those who draw them.
extension CoordinationEngine {
    mutating func decide(_ command: InsightCommand, _ ticket: ReplyTicket) {
        switch command {
        case .explain(let run): explain(run, ticket)
        case .graph(let run): graph(run, ticket)
        case .watchGraphs(let watch): watchGraphs(watch, ticket)
        }
    }

    private mutating func graph(_ reference: RunReference, _ ticket: ReplyTicket) {
        guard let run = find(reference) else {
            ready.lookups.append(RunLookup(reference: reference, purpose: .graph, ticket: ticket))
            return
        }
        // What is told of later has a later number, though it may already be in here.
        let summary = runs[run].machine.state.summary
        answer(
            ticket, .insight(.graph(summary, sequence: graphs.newest)), seen: runs[run].changedIn)
    }

    private mutating func watchGraphs(_ watch: WatchGraphs, _ ticket: ReplyTicket) {
        if graphs.watchers.count >= limits.maxGraphWatchers {
            return reject(ticket, .tooManyGraphWatchers(limits.maxGraphWatchers))
        }
        var wanted = watch.runs.sorted()
        if let after = watch.after {
            guard (graphs.oldest...graphs.newest).contains(after) else {
                return reject(ticket, .graphSequenceGone(oldest: graphs.oldest))
            }
            wanted = graphs.changed(after: after, watch)
        }
        var summaries: [RunSummary] = []
        var ended: [RunID] = []
        for id in wanted {
            if let run = runIndex[id], runs[run].machine.state.namespace == watch.namespace {
                summaries.append(runs[run].machine.state.summary)
            } else {
                ended.append(id)
            }
        }
        answer(
            ticket, .insight(.graphs(summaries, ended: ended, sequence: graphs.newest)),
            seen: newest)
        graphs.watchers[ticket] = watch
        open.insert(.watchingGraphs, for: ticket)
    }

    /// A run's changes go into a batch.
    mutating func noteGraph(_ run: Int32) {
        let id = runs[run].machine.state.id
        let namespace = runs[run].machine.state.namespace
        let sequence = graphs.note(id, namespace)
        if graphs.watchers.isEmpty { return }
        let watchers = graphs.watchers.filter { $0.value.covers(id, namespace) }
        if watchers.isEmpty { return }
        let summary = runs[run].machine.state.summary
        for ticket in watchers.keys {
            draft.effects.events.append(
                Reply(ticket, .insight(.changed(summary, sequence: sequence))))
        }
    }
}

extension Rejection {
    static func tooManyGraphWatchers(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_WATCHERS",
            "\(limit) callers watch graphs already; try again later", retryAfterMillis: 5_000)
    }

    /// OUT_OF_RANGE with the oldest number held as a detail.
    static func graphSequenceGone(oldest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "SEQUENCE_GONE",
            "changes behind this sequence are not held any more, or never were; the oldest to go on "
                + "behind is \(oldest). Get the graphs anew and watch without after_sequence")
        rejection.details = ["oldest_sequence": "\(oldest)"]
        return rejection
    }
}
