import Engine
import Threads

/// Asks the engine from async code: for the server's own start, where no socket loop is involved.
final class AskPort: ReplyPort {
    private struct State {
        var next: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
    }

    private let host: EngineHost
    private let port = Locked(0)
    private let state = Locked(State())

    /// Attaches itself to `host`.
    init(_ host: EngineHost) {
        self.host = host
        let number = host.attach(port: self)
        port.withLock { $0 = number }
    }

    /// Sends a command and waits for its one answer.
    func ask(_ command: (ReplyTicket) -> Command) async -> Answer {
        let port = port.withLock { $0 }
        let call = state.withLock { state in
            state.next += 1
            return state.next
        }
        let command = command(ReplyTicket(port: port, call: call))
        return await withCheckedContinuation { continuation in
            state.withLock { $0.waiting[call] = continuation }
            host.post([command])
        }
    }

    func deliver(_ replies: [Reply]) {
        for reply in replies {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: reply.ticket.call) }
            waiting?.resume(returning: reply.answer)
        }
    }
}
