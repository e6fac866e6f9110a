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
    /// How many of those are still of the snapshot.
    private var ofSnapshot = 0

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
            self.waiting += self.responses(change)
            if case .snapshot = change.kind { self.ofSnapshot = self.waiting.count }
            self.proceed()
        }
    }

    private func responses(_ change: AgentChange) -> [WatchAgentsResponse] {
        func response(_ update: WatchAgentsResponse.Update) -> WatchAgentsResponse {
            WatchAgentsResponse(sequence: change.sequence, update: update)
        }
        switch change.kind {
        case .snapshot(let agents):
            let wanted = agents.filter { isWanted($0.registration.type) }
            let sorted = wanted.sorted { $0.registration.precedes($1.registration) }
            let page = sorted.page(Messages.Agent.init)
            // What does not fit into one message follows as changes.
            return [response(.snapshot(AgentSnapshot(agents: page.entries)))]
                + sorted.dropFirst(page.entries.count).map { response(.changed(.init($0))) }
        case .changed(let agent):
            return isWanted(agent.registration.type) ? [response(.changed(.init(agent)))] : []
        case .removed(let id, let type):
            return isWanted(type) ? [response(.removed(id.name))] : []
        }
    }

    private func isWanted(_ other: String) -> Bool { type.isEmpty || type == other }

    private func proceed() {
        var sent = 0
        while sent < waiting.count, call.isWritable {
            call.send(waiting[sent])
            sent += 1
        }
        waiting.removeFirst(sent)
        ofSnapshot = max(0, ofSnapshot - sent)
        guard waiting.count - ofSnapshot > Self.maxWaiting else { return }
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
