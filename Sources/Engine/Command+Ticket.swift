import Coordination

extension Reply {
    init(_ ticket: ReplyTicket, _ answer: Answer) { self.init(ticket: ticket, answer: answer) }
}

extension Command {
    /// Who waits for an answer to it.
    var ticket: ReplyTicket? {
        switch self {
        // It is an answer itself.
        case .event(.subscription(.agentAnswered), _): nil
        case .putDefinition(_, let ticket), .startRun(_, let ticket), .invoke(_, let ticket),
            .breaker(_, let ticket), .isolation(_, let ticket),
            .awaitRun(_, let ticket), .watchRun(_, let ticket), .getRun(_, let ticket),
            .listDefinitions(_, let ticket), .listAgents(let ticket), .watchAgents(let ticket),
            .drainAgent(_, _, let ticket), .snapshot(let ticket),
            .listDeadLetters(_, _, _, let ticket), .schedule(_, let ticket),
            .keys(_, let ticket), .insight(_, let ticket), .ballot(_, let ticket),
            .items(_, let ticket), .monitor(_, let ticket), .memory(_, let ticket),
            .locks(_, let ticket), .event(_, let ticket),
            .cancelRun(_, let ticket), .operateRun(_, let ticket), .loaded(_, _, let ticket),
            .reuseKnown(_, _, _, let ticket):
            ticket
        case .abandon, .agentsJoined, .agentsLeft, .pool, .finished, .heartbeats, .session,
            .prepared, .eventsPrepared:
            nil
        }
    }
}
