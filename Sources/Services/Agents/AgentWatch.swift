import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// One watcher of the pool: a snapshot, then every change. Confined to its loop.
final class AgentWatch {
    private let type: String
    private let link: EngineLink
    private let call: ServerStreamCall<WatchAgentsResponse>
    private var ticket: ReplyTicket?
    private var waiting: [WatchAgentsResponse] = []

    /// Changes that may wait for a slow reader before the stream ends.
    private static let maxWaiting = 10_000

    init(type: String, link: EngineLink, call: ServerStreamCall<WatchAgentsResponse>) {
        self.type = type
        self.link = link
        self.call = call
    }

    /// Follows the pool until the caller goes.
    func begin() {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        ticket = link.follow({ .watchAgents($0) }) { answer in
            guard case .agentChange(let change) = answer else {
                self.leave()
                return self.call.fail(answer.refusal)
            }
            guard let response = self.response(change) else { return }
            self.waiting.append(response)
            self.proceed()
        }
    }

    private func response(_ change: AgentChange) -> WatchAgentsResponse? {
        var response = WatchAgentsResponse(sequence: change.sequence)
        switch change.kind {
        case .snapshot(let agents):
            let wanted = agents.filter { isWanted($0.registration.type) }
            let sorted = wanted.sorted { $0.registration.precedes($1.registration) }
            response.update = .snapshot(AgentSnapshot(agents: sorted.map(Messages.Agent.init)))
        case .changed(let agent):
            guard isWanted(agent.registration.type) else { return nil }
            response.update = .changed(Messages.Agent(agent))
        case .removed(let id, let type):
            guard isWanted(type) else { return nil }
            response.update = .removed(id.name)
        }
        return response
    }

    private func isWanted(_ other: String) -> Bool { type.isEmpty || type == other }

    private func proceed() {
        var sent = 0
        while sent < waiting.count, call.isWritable {
            call.send(waiting[sent])
            sent += 1
        }
        waiting.removeFirst(sent)
        guard waiting.count > Self.maxWaiting else { return }
        leave()
        call.fail(Self.tooSlow)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
    }

    private static let tooSlow = Rejection(
        .overloaded, reason: "SLOW_READER",
        "this reader is \(maxWaiting) changes behind; watch again, which begins with a snapshot"
    ).status
}
