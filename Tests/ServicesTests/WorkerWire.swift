import Messages
import Stubs

/// One worker's end of a stream of `Connect`, spoken by hand.
struct WorkerWire {
    let stream: DuplexStream<ConnectRequest, ConnectResponse>
    var responses: MessageStream<ConnectResponse>.Iterator
    var assignments: [WorkAssignment] = []
    var accepted: [UInt64] = []
    var stale: [UInt64] = []
    var cancelled: [UInt64] = []

    init(_ server: ServerUnderTest) async throws {
        stream = try await AgentServiceClient(client: server.client).connect()
        responses = stream.responses.makeAsyncIterator()
    }

    func send(_ request: ConnectRequest) async throws { try await stream.send(request) }

    /// Takes messages until `isDone` holds.
    mutating func read(until isDone: (WorkerWire) -> Bool) async throws {
        while !isDone(self), let next = try await responses.next() { note(next) }
    }

    private mutating func note(_ response: ConnectResponse) {
        assignments += response.assignments
        accepted += response.accepted
        stale += response.stale
        cancelled += response.cancelled
    }

    mutating func welcome() async throws -> Welcome? {
        while let next = try await responses.next() {
            note(next)
            if let welcome = next.welcome { return welcome }
        }
        return nil
    }
}
