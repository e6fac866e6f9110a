import GRPC
import Messages
import Store
import Stubs
import Testing

struct LockServiceTests {
    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private func claim(
        _ owner: String, _ resources: String..., lease: Int64 = 30_000
    ) -> LockClaim {
        LockClaim(
            resources: resources.map { LockResource(name: $0) }, owner: owner, leaseMillis: lease)
    }

    @Test func `a lock goes from one to the next, with a greater token`() async throws {
        try await ServerUnderTest.with { server in
            let locks = LockServiceClient(client: server.client)
            let first = try #require(
                try await locks.acquire(AcquireRequest(claim: claim("a", "r"))).grant)
            let busy = await status {
                _ = try await locks.acquire(AcquireRequest(claim: claim("b", "r")))
            }
            #expect(busy?.code == .aborted)
            async let waiting = locks.acquire(
                AcquireRequest(claim: claim("b", "r"), waitMillis: 60_000))
            while try await locks.getLock(GetLockRequest(resource: "r")).lock?.waiterCount == 0 {}
            let held = try #require(
                try await locks.getLock(GetLockRequest(resource: "r")).lock)
            #expect(held.holders.map(\.owner) == ["a"] && held.waiters.map(\.owner) == ["b"])
            let foreign = await status {
                _ = try await locks.release(
                    ReleaseRequest(acquireID: first.acquireID, owner: "b"))
            }
            #expect(foreign?.code == .permissionDenied)
            let released = try await locks.release(
                ReleaseRequest(acquireID: first.acquireID, owner: "a"))
            #expect(released.released)
            let second = try #require(try await waiting.grant)
            #expect(second.holds[0].fencingToken > first.holds[0].fencingToken)
            let again = try await locks.release(
                ReleaseRequest(acquireID: first.acquireID, owner: "a"))
            #expect(!again.released)
            let renewed = try await locks.renew(
                RenewRequest(acquireID: second.acquireID, owner: "b", leaseMillis: 5_000))
            #expect(renewed.leaseMillis == 5_000)
            let list = try await locks.listLocks(ListLocksRequest())
            #expect(list.locks.map(\.resource) == ["r"] && list.nextPageToken.isEmpty)
        }
    }

    @Test func `a stream tells of the line, the grant, the end of the lease and the loss`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let locks = LockServiceClient(client: server.client)
            let first = try #require(
                try await locks.acquire(AcquireRequest(claim: claim("a", "r"))).grant)
            let events = try await locks.acquireStream(
                AcquireStreamRequest(claim: claim("b", "r", lease: 300), warnMillis: 200))
            var words: [String] = []
            for try await event in events {
                switch event.event {
                case .queued(let queued):
                    words.append("queued \(queued.position) \(queued.holder)")
                    _ = try await locks.release(
                        ReleaseRequest(acquireID: first.acquireID, owner: "a"))
                case .granted(let grant):
                    words.append("granted \(grant.holds.count)")
                case .expiring(let expiring):
                    #expect(expiring.remainingMillis <= 200)
                    words.append("expiring")
                case .lost(let lost): words.append("lost \(lost.end)")
                case nil: words.append("?")
                }
            }
            #expect(words == ["queued 1 a", "granted 1", "expiring", "lost expired"])
        }
    }

    /// Asks for a lock and gives up while the grant is being written; then it is on disk.
    private func giveUp(
        _ request: AcquireRequest, _ server: ServerUnderTest, _ gate: GatedStore
    ) async throws {
        gate.hold()
        let asking = Task { try await LockServiceClient(client: server.client).acquire(request) }
        await gate.untilOneIsHeld()
        asking.cancel()
        _ = try? await asking.value
        // Comes behind the cancellation on the same connection.
        _ = try await GrpcHealthV1.HealthClient(client: server.client).check(
            GrpcHealthV1.HealthCheckRequest())
        gate.open()
    }

    @Test func `whoever gave up holds nothing, even if the grant was on its way`() async throws {
        let gate = GatedStore(try InMemoryStore())
        try await ServerUnderTest.with(store: gate) { server in
            let locks = LockServiceClient(client: server.client)
            try await giveUp(
                AcquireRequest(claim: claim("a", "r", "s", lease: 600_000)), server, gate)
            let next = try await locks.acquire(
                AcquireRequest(claim: claim("b", "r", "s"), waitMillis: 60_000))
            #expect(next.grant?.holds.map(\.resource) == ["r", "s"])
        }
    }

    @Test func `a request id keeps what was granted to a caller that is gone`() async throws {
        let gate = GatedStore(try InMemoryStore())
        try await ServerUnderTest.with(store: gate) { server in
            let locks = LockServiceClient(client: server.client)
            var request = AcquireRequest(claim: claim("a", "r", lease: 600_000))
            request.requestID = "once"
            try await giveUp(request, server, gate)
            let grant = try #require(try await locks.acquire(request).grant)
            #expect(grant.holds.map(\.count) == [1])
            let lock = try #require(try await locks.getLock(GetLockRequest(resource: "r")).lock)
            #expect(lock.holders.map(\.owner) == ["a"])
        }
    }

    @Test func `a stale token is refused by shared memory`() async throws {
        try await ServerUnderTest.with { server in
            let locks = LockServiceClient(client: server.client)
            let memory = MemoryServiceClient(client: server.client)
            let grant = try #require(
                try await locks.acquire(AcquireRequest(claim: claim("a", "r"))).grant)
            var request = MemoryServicePutRequest(key: "k")
            request.fence = LockFence(
                resource: "r", fencingToken: grant.holds[0].fencingToken)
            _ = try await memory.put(request)
            let broken = try await locks.breakLock(
                BreakLockRequest(resource: "r", reason: "drill"))
            #expect(broken.broken == 1)
            let stale = await status { _ = try await memory.put(request) }
            #expect(stale?.code == .failedPrecondition)
            let lost = await status {
                _ = try await locks.renew(RenewRequest(acquireID: grant.acquireID, owner: "a"))
            }
            #expect(lost?.code == .notFound)
        }
    }

    @Test func `what is wrong with a request is named, field by field`() async throws {
        try await ServerUnderTest.with { server in
            let locks = LockServiceClient(client: server.client)
            var bad = AcquireRequest(claim: claim("", "r", "r", "", lease: 5))
            bad.waitMillis = -1
            let refused = await status { _ = try await locks.acquire(bad) }
            #expect(
                refused?.badFields.map(\.path) == [
                    "claim.resources[1].name", "claim.resources[2].name", "claim.owner",
                    "claim.lease_millis", "wait_millis",
                ])
            let release = await status {
                _ = try await locks.release(ReleaseRequest(acquireID: "x"))
            }
            #expect(release?.badFields.map(\.path) == ["acquire_id", "owner"])
            let breaking = await status {
                _ = try await locks.breakLock(BreakLockRequest())
            }
            #expect(breaking?.badFields.map(\.path) == ["resource", "reason"])
            let missing = await status { _ = try await locks.acquire(AcquireRequest()) }
            #expect(missing?.badFields.map(\.path) == ["claim"])
        }
    }
}
