import GRPC
import Messages
import Stubs

/// MemoryService and LockService.
struct CadreTarget: SharingTarget {
    func prepare(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus) {
        _ = try await AdminServiceClient(client: client).getInfo(
            GetInfoRequest(), options: Self.patient)
    }

    func put(
        _ client: GRPCClient, _ key: String, _ value: [UInt8]
    ) async throws(GRPCStatus) -> String? {
        let request = MemoryServicePutRequest(key: key, value: Payload(data: value))
        let answer = try await MemoryServiceClient(client: client).put(
            request, options: Self.options)
        return answer.revision > 0 ? nil : "a put has no revision"
    }

    func get(_ client: GRPCClient, _ key: String) async throws(GRPCStatus) -> String? {
        let answer = try await MemoryServiceClient(client: client).get(
            MemoryServiceGetRequest(key: key), options: Self.options)
        return answer.entry?.value?.data.isEmpty == false ? nil : "a key has no value"
    }

    func lock(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus) -> String? {
        let locks = LockServiceClient(client: client)
        let claim = LockClaim(
            resources: [LockResource(name: "lock-\(caller)", mode: .exclusive)],
            owner: "caller-\(caller)", leaseMillis: Self.leaseMillis)
        let granted = try await locks.acquire(AcquireRequest(claim: claim), options: Self.options)
        guard let grant = granted.grant else { return "a lock was not granted" }
        let release = ReleaseRequest(acquireID: grant.acquireID, owner: claim.owner)
        let answer = try await locks.release(release, options: Self.options)
        return answer.released ? nil : "a lock was not released"
    }
}
