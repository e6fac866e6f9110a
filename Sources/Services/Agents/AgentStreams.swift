import GRPC
import NIOCore
import Stubs
import Threads

/// Every worker's stream that is open, so that a server that goes down can end them all: a stream
/// never ends by itself.
public final class AgentStreams: Sendable {
    private struct State: Sendable {
        var open: [UInt64: NIOLoopBound<AgentStream>] = [:]
        var last: UInt64 = 0
        var isShutDown = false
    }

    /// How long a worker may take to say hello.
    let helloTime: TimeAmount
    private let state = Locked(State())

    /// No streams.
    ///
    /// - Parameter helloTime: how long a worker may take to say hello; its stream ends with
    ///   DEADLINE_EXCEEDED then.
    public init(helloTime: TimeAmount = .seconds(10)) { self.helloTime = helloTime }

    /// Ends every stream as unavailable, those that come later too. Workers connect again, and find
    /// what they held if it was durable.
    public func shutDown() {
        let open = state.withLock { state in
            state.isShutDown = true
            return Array(state.open.values)
        }
        for stream in open {
            stream.eventLoop.execute { stream.value.end(Self.goingDown) }
        }
    }

    /// Notes a stream; `nil`: the server goes down and takes none.
    func add(_ stream: NIOLoopBound<AgentStream>) -> UInt64? {
        state.withLock { state in
            if state.isShutDown { return nil }
            state.last += 1
            state.open[state.last] = stream
            return state.last
        }
    }

    func remove(_ number: UInt64) {
        state.withLock { $0.open[number] = nil }
    }

    static let goingDown = GRPCStatus(
        .unavailable, "the server goes down; connect again and resume the session",
        reason: "SERVER_DRAINING", retryDelay: .milliseconds(500))
}
