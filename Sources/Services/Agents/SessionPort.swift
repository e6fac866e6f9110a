import Coordination
import NIOCore
import Threads

/// The engine's way to one worker's stream: what a drain has for it waits here until the stream's
/// loop takes it, all at once.
final class SessionPort: AssignmentPort {
    /// What waits for the loop.
    struct Waiting: Sendable {
        var notices: [SessionNotice] = []
        var assignments: [Assignment] = []
        var cancels: [AssignmentToken] = []

        var isEmpty: Bool { notices.isEmpty && assignments.isEmpty && cancels.isEmpty }
    }

    private let loop: any EventLoop
    private let stream: NIOLoopBound<AgentStream>
    private let waiting = Locked(Waiting())

    /// Must be made on the stream's loop.
    init(_ stream: AgentStream, loop: any EventLoop) {
        self.loop = loop
        self.stream = NIOLoopBound(stream, eventLoop: loop)
    }

    func dispatch(_ assignments: [Assignment]) { add { $0.assignments += assignments } }

    func cancel(_ tokens: [AssignmentToken]) { add { $0.cancels += tokens } }

    func notify(_ notices: [SessionNotice]) { add { $0.notices += notices } }

    private func add(_ change: (inout Waiting) -> Void) {
        let isFirst = waiting.withLock { waiting in
            let isFirst = waiting.isEmpty
            change(&waiting)
            return isFirst
        }
        if isFirst { loop.execute { self.deliver() } }
    }

    private func deliver() {
        let taken = waiting.withLock { waiting in
            let taken = waiting
            waiting = Waiting()
            return taken
        }
        stream.value.take(taken)
    }
}
