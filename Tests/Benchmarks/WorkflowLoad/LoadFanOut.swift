import GRPC
import LoadKit
import Messages
import NIOPosix
import Stubs
import Threads

/// Publications to many subscribers: each publication comes to each of them.
struct LoadFanOut: Sendable {
    private let arguments: LoadArguments
    private let subscribers: Int
    private let clients: [GRPCClient]
    private let topic = "load.fan-out"

    init(_ arguments: LoadArguments, subscribers: Int) {
        self.arguments = arguments
        self.subscribers = subscribers
        // Ends with the process.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        clients = (0..<arguments.connections).map { _ in
            GRPCClient(host: "127.0.0.1", port: arguments.port, group: group)
        }
    }

    /// Publishes `count`, and ends when every subscriber has had all of them.
    func run() async throws -> LoadTally {
        let waiting = CallOptions(timeout: .seconds(30), waitForReady: true)
        let newest = try await EventServiceClient(client: clients[0]).listTopics(
            ListTopicsRequest(), options: waiting
        ).newestSequence
        return try await withThrowingTaskGroup(of: LoadTally.self) { group in
            for number in 0..<subscribers {
                group.addTask { try await self.subscriber(number, from: newest + 1) }
            }
            for caller in 0..<arguments.callers {
                let share =
                    arguments.count / arguments.callers
                    + (caller < arguments.count % arguments.callers ? 1 : 0)
                group.addTask { try await self.publisher(caller, share) }
            }
            var tally = LoadTally()
            for try await own in group { tally.add(own) }
            return tally
        }
    }

    func close() async {
        for client in clients { await client.close() }
    }

    private func publisher(_ number: Int, _ count: Int) async throws -> LoadTally {
        let events = EventServiceClient(client: clients[number % clients.count])
        var request = PublishRequest(topic: topic)
        request.payload = Payload(data: Array(#"{"symbol":"NEWUSDT","confidence":0.9}"#.utf8))
        var tally = LoadTally()
        for _ in 0..<count {
            let began = SystemClock.monotonicNanos()
            _ = try await events.publish(request, options: CallOptions(timeout: .seconds(60)))
            tally.micros.append((SystemClock.monotonicNanos() - began) / 1_000)
        }
        return tally
    }

    /// Reads until it has had all, each once and in order.
    private func subscriber(_ number: Int, from sequence: Int64) async throws -> LoadTally {
        let events = EventServiceClient(client: clients[number % clients.count])
        let start = EventStart(position: .fromSequence(sequence))
        let request = SubscribeRequest(
            mode: .volatile(VolatileSubscriber(patterns: [topic], start: start)))
        var next = sequence
        var tally = LoadTally()
        for try await message in try await events.subscribe(request) {
            for publication in message.publications {
                if publication.sequence != next { tally.errors["out of order", default: 0] += 1 }
                next = publication.sequence + 1
            }
            if next >= sequence + Int64(arguments.count) { break }
        }
        return tally
    }
}
