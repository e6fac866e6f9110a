import GRPC
import Messages
import Stubs
import Testing

struct CacheServiceTests {
    private func get(
        _ cache: CacheServiceClient, lease: Int64, wait: Int64 = 0
    ) async throws -> Messages.CacheLookup {
        var request = CacheServiceGetRequest(key: "k")
        request.fill = FillRequest(leaseMillis: lease, waitMillis: wait)
        return try #require(try await cache.get(request).lookup)
    }

    private func untilWaiting(_ count: Int64, _ cache: CacheServiceClient) async throws {
        while (try await cache.getStats(CacheServiceGetStatsRequest()).fills?.waits ?? 0) < count {}
    }

    enum Loss: CaseIterable { case abandoned, invalidated }

    @Test(arguments: Loss.allCases)
    func `a lease that was passed on and ran out goes to the next who waits`(loss: Loss)
        async throws
    {
        try await ServerUnderTest.with { server in
            let cache = CacheServiceClient(client: server.client)
            let holder = try await get(cache, lease: 300_000)
            async let first = get(cache, lease: 100, wait: 60_000)
            try await untilWaiting(1, cache)
            async let second = get(cache, lease: 5_000, wait: 60_000)
            try await untilWaiting(2, cache)
            switch loss {
            case .abandoned:
                let token = holder.lease?.token ?? 0
                let abandoned = try await cache.abandonFill(
                    AbandonFillRequest(key: "k", leaseToken: token))
                #expect(abandoned.released)
            case .invalidated:
                _ = try await cache.invalidate(InvalidateRequest(target: .key("k")))
            }
            // The first does nothing with it.
            let lost = try #require(try await first.lease)
            let lease = try #require(try await second.lease)
            #expect(lease.token > lost.token)
            #expect(lease.expiresInMillis > 1_000)
        }
    }

    @Test func `a wait that ends without a value counts as one miss`() async throws {
        try await ServerUnderTest.with { server in
            let cache = CacheServiceClient(client: server.client)
            _ = try await get(cache, lease: 300_000)
            let waited = try await get(cache, lease: 300_000, wait: 1)
            #expect(waited.result == .filling && waited.retryAfterMillis > 1_000)
            #expect(try await cache.getStats(CacheServiceGetStatsRequest()).misses == 2)
        }
    }

    @Test func `what fits into an answer is in it, whatever does not`() async throws {
        try await ServerUnderTest.with { server in
            let cache = CacheServiceClient(client: server.client)
            for (key, size) in [("a", 1_900_000), ("b", 1_900_000), ("c", 0), ("d", 1_000)] {
                var entry = CacheEntry(key: key)
                entry.content = .value(Payload(data: [UInt8](repeating: 0x31, count: size)))
                _ = try await cache.set(CacheServiceSetRequest(entry: entry))
            }
            let many = try await cache.getMany(
                CacheServiceGetManyRequest(keys: ["a", "b", "c", "d"]))
            #expect(many.lookups.map(\.result) == [.hit, .omitted, .hit, .hit])
            #expect(many.lookups.map { $0.value?.data.count } == [1_900_000, nil, 0, 1_000])
        }
    }

    @Test func `keys that look alike are two keys`() async throws {
        try await ServerUnderTest.with { server in
            let cache = CacheServiceClient(client: server.client)
            let keys = ["caf\u{e9}", "cafe\u{301}"]
            var request = CacheServiceSetManyRequest()
            request.entries = keys.enumerated().map { index, key in
                var entry = CacheEntry(key: key)
                entry.content = .value(Payload(data: [UInt8(0x31 + index)]))
                return entry
            }
            _ = try await cache.setMany(request)
            let many = try await cache.getMany(CacheServiceGetManyRequest(keys: keys))
            #expect(many.lookups.map { $0.value?.data } == [[0x31], [0x32]])
        }
    }

    /// More other namespaces than the cache keeps.
    @Test func `who watches hears of writes, however many namespaces are used meanwhile`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let cache = CacheServiceClient(client: server.client)
            func space(_ name: String) -> CallOptions {
                CallOptions(metadata: ["cadre-namespace": name])
            }
            let stream = try await cache.watchInvalidations(
                WatchInvalidationsRequest(progressMillis: 300_000), options: space("watched"))
            var messages = stream.makeAsyncIterator()
            let first = try #require(try await messages.next())
            for number in 0..<1_100 {
                _ = try await cache.get(
                    CacheServiceGetRequest(key: "k"), options: space("other-\(number)"))
            }
            var entry = CacheEntry(key: "k")
            entry.content = .negative(true)
            _ = try await cache.set(
                CacheServiceSetRequest(entry: entry), options: space("watched"))
            let told = try #require(try await messages.next())
            #expect(told.invalidations.map(\.target) == [.key("k")])
            #expect(told.previous == first.position)
            stream.cancel()
        }
    }
}
