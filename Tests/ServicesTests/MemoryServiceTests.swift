import GRPC
import Messages
import Stubs
import Testing

struct MemoryServiceTests {
    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private func put(
        _ memory: MemoryServiceClient, _ key: String, _ text: String
    ) async throws -> Int64 {
        var request = MemoryServicePutRequest(key: key)
        request.value = Payload(data: Array(text.utf8))
        request.actor = "test"
        return try await memory.put(request).revision
    }

    @Test func `an entry is put, read, listed, and its past is kept`() async throws {
        try await ServerUnderTest.with { server in
            let memory = MemoryServiceClient(client: server.client)
            #expect(try await put(memory, "a/1", "one") == 1)
            #expect(try await put(memory, "a/2", "two") == 2)
            #expect(try await put(memory, "a/1", "three") == 3)
            let got = try await memory.get(MemoryServiceGetRequest(key: "a/1"))
            #expect(got.entry?.value?.data == Array("three".utf8))
            #expect(got.entry?.value?.contentType == "application/json")
            #expect(got.entry?.version == 2 && got.entry?.lastUpdatedBy == "test")
            let list = try await memory.list(MemoryServiceListRequest(prefix: "a/", pageSize: 1))
            #expect(list.entries.map(\.key) == ["a/1"] && list.nextPageToken == "a/1")
            let rest = try await memory.list(
                MemoryServiceListRequest(
                    prefix: "a/", keysOnly: true, pageSize: 1, pageToken: list.nextPageToken))
            #expect(rest.entries.map(\.key) == ["a/2"] && rest.nextPageToken.isEmpty)
            #expect(rest.entries[0].value == nil && rest.revision == 3)
            var delete = MemoryServiceDeleteRequest(key: "a/1")
            delete.returnPrevious = true
            let gone = try await memory.delete(delete)
            #expect(gone.deleted && gone.revision == 4)
            #expect(gone.previous?.value?.data == Array("three".utf8))
            let past = try await memory.history(MemoryServiceHistoryRequest(key: "a/1"))
            #expect(past.changes.map(\.kind) == [.deleted, .put, .put])
            #expect(past.changes.compactMap { $0.entry?.revision } == [4, 3, 1])
            let missing = await status {
                _ = try await memory.get(MemoryServiceGetRequest(key: "a/1"))
            }
            #expect(missing?.code == .notFound)
        }
    }

    @Test func `a transaction carries out the half that its comparisons choose`() async throws {
        try await ServerUnderTest.with { server in
            let memory = MemoryServiceClient(client: server.client)
            _ = try await put(memory, "n", "1")
            var request = MemoryServiceTxnRequest()
            request.compares = [MemoryCompare(key: "n", condition: .revisionEquals(1))]
            request.then = [
                MemoryOperation(operation: .get(MemoryGet(key: "n"))),
                MemoryOperation(
                    operation: .put(MemoryPut(key: "n", value: Payload(data: [0x32])))),
            ]
            request.orElse = [MemoryOperation(operation: .get(MemoryGet(key: "n")))]
            let first = try await memory.txn(request)
            #expect(first.succeeded && first.revision == 2 && first.results.count == 2)
            let second = try await memory.txn(request)
            #expect(!second.succeeded && second.results.count == 1)
            guard case .read(let read) = second.results[0].result else {
                Issue.record("\(second)")
                return
            }
            #expect(read.entry?.value?.data == [0x32])
        }
    }

    @Test(arguments: [0, 1, 2, 150, 300, 599, 600])
    func `a watch from any revision joins what was stored to what comes`(
        _ from: Int64
    ) async throws {
        try await ServerUnderTest.with { server in
            let memory = MemoryServiceClient(client: server.client)
            for number in 1...300 { _ = try await put(memory, "k\(number % 5)", "\(number)") }
            let writer = Task {
                for number in 301...600 { _ = try await put(memory, "k\(number % 5)", "\(number)") }
                _ = try await put(memory, "last", "")
            }
            var request = MemoryServiceWatchRequest()
            // Some begin beyond what is written: they wait for it.
            request.fromRevision = min(from, 301)
            request.previous = true
            let updates = try await memory.watch(request)
            var next = request.fromRevision
            for try await update in updates {
                switch update.update {
                case .started(let started):
                    if next == 0 { next = started.revision + 1 }
                case .changes(let changes):
                    for change in changes.changes {
                        #expect(change.entry?.revision == next)
                        if next > 5, next < 601 {
                            #expect(change.previous?.revision == next - 5)
                        }
                        next += 1
                    }
                    #expect(changes.resumeRevision == next && !changes.continues)
                case .progress, nil: break
                }
                if next == 602 { break }
            }
            try await writer.value
            #expect(next == 602)
        }
    }

    @Test func `what is wrong with a request is named, field by field`() async throws {
        try await ServerUnderTest.with { server in
            let memory = MemoryServiceClient(client: server.client)
            var bad = MemoryServicePutRequest(key: String(repeating: "k", count: 1_025))
            bad.ttlMillis = -1
            bad.expectation = .expectedRevision(-1)
            bad.fence = LockFence()
            let refused = await status { _ = try await memory.put(bad) }
            #expect(refused?.code == .invalidArgument)
            #expect(
                refused?.badFields.map(\.path) == [
                    "key", "ttl_millis", "expected_revision", "fence.resource",
                    "fence.fencing_token",
                ])
            var twice = MemoryServiceTxnRequest()
            let delete = MemoryOperation(operation: .delete(MemoryDelete(key: "a")))
            twice.then = [delete, delete, MemoryOperation()]
            twice.compares = [MemoryCompare(key: "a")]
            let txn = await status { _ = try await memory.txn(twice) }
            #expect(
                txn?.badFields.map(\.path) == [
                    "compares[0].condition", "then[1]", "then[2].operation",
                ])
            let mismatch = await status {
                _ = try await memory.delete(
                    MemoryServiceDeleteRequest(key: "a", expectation: .expectedRevision(3)))
            }
            #expect(mismatch?.code == .aborted)
            let future = await status {
                for try await _ in try await memory.watch(
                    MemoryServiceWatchRequest(fromRevision: 9))
                {}
            }
            #expect(future?.code == .outOfRange)
        }
    }

    @Test func `answers stay small: what does not fit is left for the next call`() async throws {
        try await ServerUnderTest.with { server in
            let memory = MemoryServiceClient(client: server.client)
            let large = String(repeating: "x", count: 1_500_000)
            for key in ["a", "b", "c"] { _ = try await put(memory, key, large) }
            let many = try await memory.getMany(
                MemoryServiceGetManyRequest(keys: ["a", "b", "c", "none"]))
            #expect(many.entries.map(\.key) == ["a", "b"] && many.leftOut == ["c"])
            var keys: [String] = []
            var request = MemoryServiceListRequest()
            repeat {
                let page = try await memory.list(request)
                keys += page.entries.map(\.key)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(keys == ["a", "b", "c"])
            var reads = MemoryServiceTxnRequest()
            reads.then = keys.map { MemoryOperation(operation: .get(MemoryGet(key: $0))) }
            let results = try await memory.txn(reads).results
            let leftOut = results.map { result in
                if case .read(let read) = result.result { read.valueLeftOut } else { true }
            }
            #expect(leftOut == [false, false, true])
            var watch = MemoryServiceWatchRequest(fromRevision: 1)
            watch.previous = true
            var seen = 0
            for try await update in try await memory.watch(watch) {
                if case .changes(let changes) = update.update { seen += changes.changes.count }
                if seen == 3 { break }
            }
        }
    }
}
