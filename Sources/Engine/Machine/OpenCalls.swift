import Coordination

/// The callers that wait, found by their tickets.
struct OpenCalls: Sendable {
    /// By port; a ticket's number plus one is the key, since numbers may begin at 0.
    private var byPort: [SerialMap<OpenCall>] = []

    subscript(ticket: ReplyTicket) -> OpenCall? {
        guard byPort.indices.contains(ticket.port) else { return nil }
        return byPort[ticket.port][ticket.call &+ 1]
    }

    /// Notes who waits under a ticket.
    mutating func insert(_ call: OpenCall, for ticket: ReplyTicket) {
        while byPort.count <= ticket.port {
            byPort.append(SerialMap(vacant: .awaiting(run: -1)))
        }
        byPort[ticket.port].insert(call, for: ticket.call &+ 1)
    }

    /// Forgets a ticket and says what waited under it.
    @discardableResult
    mutating func remove(_ ticket: ReplyTicket) -> OpenCall? {
        guard byPort.indices.contains(ticket.port) else { return nil }
        return byPort[ticket.port].remove(ticket.call &+ 1)
    }

    /// Every ticket under which somebody waits.
    var tickets: [ReplyTicket] {
        byPort.indices.flatMap { port in
            byPort[port].entries.map { ReplyTicket(port: port, call: $0.key &- 1) }
        }
    }
}
