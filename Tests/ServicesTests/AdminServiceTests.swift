import GRPC
import Messages
import Store
import Stubs
import Testing

struct AdminServiceTests {
    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private func audit(_ number: Int) -> AuditRow {
        AuditRow(
            atMillis: Int64(number), namespace: number % 2 == 0 ? "even" : "odd", actor: "ann",
            action: "ForceBreaker", subject: "breaker/\(number)", before: "closed", after: "open",
            requestID: "q\(number)")
    }

    @Test func `the audit log is read by pages and filters`() async throws {
        try await ServerUnderTest.with { server in
            await server.commit { $0.audits = (1...5).map { audit($0) } }
            let admin = AdminServiceClient(client: server.client)
            var request = ListAuditRequest()
            request.pageSize = 2
            var pages: [[Int64]] = []
            repeat {
                let page = try await admin.listAudit(request)
                pages.append(page.entries.map(\.sequence))
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(pages == [[5, 4], [3, 2], [1]])
            request = ListAuditRequest()
            request.namespace = "even"
            #expect(try await admin.listAudit(request).entries.map(\.sequence) == [4, 2])
            request = ListAuditRequest()
            request.subject = "breaker/3"
            let entry = try #require(try await admin.listAudit(request).entries.first)
            #expect(entry.unixMillis == 3 && entry.actor == "ann" && entry.namespace == "odd")
            #expect(entry.action == "ForceBreaker" && entry.requestID == "q3")
            #expect(entry.before == "closed" && entry.after == "open")
        }
    }

    @Test func `every bad field is named`() async throws {
        try await ServerUnderTest.with { server in
            let admin = AdminServiceClient(client: server.client)
            var request = ListAuditRequest()
            request.pageSize = 1_001
            request.pageToken = "-3"
            request.namespace = String(repeating: "n", count: 257)
            request.subject = String(repeating: "s", count: 4_097)
            let wrong = request
            let listed = await status { _ = try await admin.listAudit(wrong) }
            #expect(listed?.code == .invalidArgument)
            #expect(
                listed?.badFields.map(\.path)
                    == ["page_size", "page_token", "namespace", "subject"])
            var drain = DrainRequest()
            drain.timeoutMillis = -1
            let negative = drain
            let drained = await status { _ = try await admin.drain(negative) }
            #expect(drained?.badFields.map(\.path) == ["timeout_millis"])
            let info = try await admin.getInfo(GetInfoRequest())
            #expect(!info.draining)
        }
    }

    @Test func `a store in memory has no backup and nothing to verify`() async throws {
        try await ServerUnderTest.with { server in
            let admin = AdminServiceClient(client: server.client)
            let verified = await status { _ = try await admin.verifyStore(VerifyStoreRequest()) }
            #expect(verified?.code == .failedPrecondition)
            let copied = await status {
                for try await _ in try await admin.backup(BackupRequest()) {}
            }
            #expect(copied?.code == .failedPrecondition && copied?.reason == "STORE_IN_MEMORY")
        }
    }

    @Test func `a drain ends when the open calls have, and new work is refused`() async throws {
        try await ServerUnderTest.with { server in
            let admin = AdminServiceClient(client: server.client)
            let response = try await admin.drain(DrainRequest())
            #expect(response.drained && response.openRuns == 0 && response.openInvokes == 0)
            let refused = await status {
                _ = try await AgentServiceClient(client: server.client).invoke(
                    InvokeRequest(agentType: "probe", operation: "say"))
            }
            #expect(refused?.reason == "SERVER_DRAINING")
            let info = try await admin.getInfo(GetInfoRequest())
            #expect(info.draining && info.version == "test")
        }
    }
}
