import GRPC
import Messages
import NIOPosix
import Services
import Stubs
import Testing

struct StandardServiceTests {
    @Test(.timeLimit(.minutes(2)))
    func `watchers do not hold up a server that goes down`() async throws {
        var waiting: Task<AcquireResponse, any Error>?
        var kept: (client: GRPCClient, streams: [any Sendable])?
        try await ServerUnderTest.with(grace: .seconds(600)) { server in
            let client = GRPCClient(
                host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
            let breakers = BreakerServiceClient(client: client)
            let agents = try await AgentServiceClient(client: client)
                .watchAgents(WatchAgentsRequest())
            let states = try await breakers.watchBreakers(WatchBreakersRequest())
            let mode = try await breakers.watchMode(WatchModeRequest())
            let asked = try await GrpcReflectionV1.ServerReflectionClient(client: client)
                .serverReflectionInfo()
            try await asked.send(.init(messageRequest: .listServices("")))
            let locks = LockServiceClient(client: client)
            let claim = LockClaim(resources: [LockResource(name: "r")], owner: "a")
            _ = try await locks.acquire(AcquireRequest(claim: claim))
            var other = claim
            other.owner = "b"
            let acquire = AcquireRequest(claim: other, waitMillis: 3_600_000)
            waiting = Task { try await locks.acquire(acquire) }
            while try await locks.getLock(GetLockRequest(resource: "r")).lock?.waiterCount == 0 {}
            for try await _ in agents { break }
            for try await _ in states { break }
            for try await _ in mode { break }
            for try await _ in asked.responses { break }
            kept = (client, [agents, states, mode, asked])
        }
        let acquired = await waiting?.result
        #expect(throws: GRPCStatus.self) { try acquired?.get() }
        await kept?.client.close()
    }

    @Test func `a health watch tells the state, each change, and the end`() async throws {
        try await ServerUnderTest.with { server in
            let client = GrpcHealthV1.HealthClient(client: server.client)
            let request = GrpcHealthV1.HealthCheckRequest(service: AgentServiceDescriptor.name)
            let before = try await client.check(request)
            #expect(before.status == .notServing)
            var told: [GrpcHealthV1.HealthCheckResponse.ServingStatus] = []
            do {
                for try await answer in try await client.watch(request) {
                    told.append(answer.status)
                    if told.count == 1 { server.health.setAll(.serving) }
                    if told.count == 2 { server.health.shutDown() }
                }
                Issue.record("the watch ended with OK")
            } catch {
                #expect((error as? GRPCStatus)?.code == .unavailable)
            }
            #expect(told == [.notServing, .serving, .notServing])
        }
    }

    @Test func `an unknown service is NOT_FOUND to Check and unknown to Watch`() async throws {
        try await ServerUnderTest.with { server in
            let client = GrpcHealthV1.HealthClient(client: server.client)
            let request = GrpcHealthV1.HealthCheckRequest(service: "nobody")
            await #expect(throws: GRPCStatus.self) { _ = try await client.check(request) }
            var answers = try await client.watch(request).makeAsyncIterator()
            let first = try await answers.next()
            #expect(first?.status == .serviceUnknown)
        }
    }

    @Test func `reflection lists services, finds files, and answers what is missing`() async throws
    {
        try await ServerUnderTest.with { server in
            let client = GrpcReflectionV1.ServerReflectionClient(client: server.client)
            let stream = try await client.serverReflectionInfo()
            try await stream.send(.init(messageRequest: .listServices("")))
            try await stream.send(
                .init(messageRequest: .fileContainingSymbol("cadre.v1.AgentService.Invoke")))
            try await stream.send(.init(messageRequest: .fileByFilename("no/such.proto")))
            stream.finishSending()
            var answers: [GrpcReflectionV1.ServerReflectionResponse] = []
            for try await answer in stream.responses { answers.append(answer) }
            guard answers.count == 3,
                case .listServicesResponse(let list) = answers[0].messageResponse,
                case .fileDescriptorResponse(let files) = answers[1].messageResponse,
                case .errorResponse(let error) = answers[2].messageResponse
            else {
                Issue.record("unexpected answers: \(answers)")
                return
            }
            #expect(list.service.map(\.name) == [AgentServiceDescriptor.name])
            #expect(files.fileDescriptorProto.count == 2, "the file and what it imports")
            #expect(error.errorCode == 5)
            #expect(answers[2].originalRequest?.messageRequest == .fileByFilename("no/such.proto"))
        }
    }
}
