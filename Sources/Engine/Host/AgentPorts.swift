import Coordination

/// Which assignment port each living agent is reached through. Numbers are never used again, so
/// work decided for a port that has gone reaches nobody rather than a stranger.
struct AgentPorts: Sendable {
    private struct Entry: Sendable {
        var port: any AssignmentPort
        var agents = 0
    }

    private var entries: [PortNumber: Entry] = [:]
    private var numberOfAgent: [AgentID: PortNumber] = [:]
    private var last = 0

    /// Every port, in no order.
    var all: some Collection<any AssignmentPort> { entries.values.lazy.map(\.port) }

    subscript(number: PortNumber) -> (any AssignmentPort)? { entries[number]?.port }

    /// Notes that agents are reached through a port, and gives its number.
    mutating func join(_ agents: [AgentID], _ port: any AssignmentPort) -> PortNumber {
        last += 1
        let number = PortNumber(rawValue: last)
        entries[number] = Entry(port: port)
        for agent in agents {
            leave([agent])
            numberOfAgent[agent] = number
            entries[number]?.agents += 1
        }
        return number
    }

    /// Gives a port of a remote instance its number.
    mutating func open(_ port: any AssignmentPort) -> PortNumber {
        last += 1
        let number = PortNumber(rawValue: last)
        entries[number] = Entry(port: port)
        return number
    }

    /// Forgets a port that was opened.
    mutating func close(_ number: PortNumber) { entries[number] = nil }

    /// Forgets agents, and the ports that have none left.
    mutating func leave(_ agents: [AgentID]) {
        for agent in agents {
            guard let number = numberOfAgent.removeValue(forKey: agent) else { continue }
            entries[number]?.agents -= 1
            if entries[number]?.agents == 0 { entries[number] = nil }
        }
    }
}
