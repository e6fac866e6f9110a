import Coordination

/// The callers that wait, found by their tickets.
struct OpenCalls: Sendable {
    /// By port plus one, since -1 is the engine itself; a ticket's number plus one is the key, since
    /// numbers may begin at 0.
    private var byPort: [SerialMap<OpenCall>] = []

    subscript(ticket: ReplyTicket) -> OpenCall? {
        guard byPort.indices.contains(ticket.port + 1) else { return nil }
        return byPort[ticket.port + 1][ticket.call &+ 1]
    }

    /// Notes who waits under a ticket.
    mutating func insert(_ call: OpenCall, for ticket: ReplyTicket) {
        while byPort.count <= ticket.port + 1 {
            byPort.append(SerialMap(vacant: .awaiting(run: -1)))
        }
        byPort[ticket.port + 1].insert(call, for: ticket.call &+ 1)
    }

    /// Forgets a ticket and says what waited under it.
    @discardableResult
    mutating func remove(_ ticket: ReplyTicket) -> OpenCall? {
        guard byPort.indices.contains(ticket.port + 1) else { return nil }
        return byPort[ticket.port + 1].remove(ticket.call &+ 1)
    }

    /// Every ticket under which somebody outside waits.
    var tickets: [ReplyTicket] {
        byPort.indices.dropFirst().flatMap { place in
            byPort[place].entries.map { ReplyTicket(port: place - 1, call: $0.key &- 1) }
        }
    }
}
