import GRPC

/// etcd's KV and Lock services (etcd 3.4, `rpc.proto` and `v3lock.proto`), of which only the fields
/// used here are known.
///
/// A lock in etcd lives under a lease. Each caller has one for all its locks, which is what costs
/// etcd least: an acquire and a release are then one proposal each.
struct EtcdTarget: SharingTarget {
    private static let put = method("etcdserverpb.KV", "Put")
    private static let range = method("etcdserverpb.KV", "Range")
    private static let grant = method("etcdserverpb.Lease", "LeaseGrant")
    private static let lock = method("v3lockpb.Lock", "Lock")
    private static let unlock = method("v3lockpb.Lock", "Unlock")

    private static func method(_ service: String, _ name: String) -> MethodDescriptor {
        MethodDescriptor(service: service, name: name, kind: .unary)
    }

    private static func lease(_ caller: Int) -> Int { caller + 1 }

    func prepare(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus) {
        var request = WireMessage()
        request.add(1, Int(Self.leaseMillis / 1_000))
        request.add(2, Self.lease(caller))
        do throws(GRPCStatus) {
            _ = try await client.unary(
                Self.grant, framed: request.framed, options: Self.patient)
        } catch  where error.code == .failedPrecondition {
            // There from the load before.
        }
    }

    func put(
        _ client: GRPCClient, _ key: String, _ value: [UInt8]
    ) async throws(GRPCStatus) -> String? {
        var request = WireMessage()
        request.add(1, Array(key.utf8))
        request.add(2, value)
        let answer = try await client.unary(
            Self.put, framed: request.framed, options: Self.options)
        return answer.message.isEmpty ? "a put has no header" : nil
    }

    func get(_ client: GRPCClient, _ key: String) async throws(GRPCStatus) -> String? {
        var request = WireMessage()
        request.add(1, Array(key.utf8))
        let answer = try await client.unary(
            Self.range, framed: request.framed, options: Self.options)
        return WireMessage.bytes(2, in: answer.message) == nil ? "a key has no value" : nil
    }

    func lock(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus) -> String? {
        var request = WireMessage()
        request.add(1, Array("lock-\(caller)".utf8))
        request.add(2, Self.lease(caller))
        let granted = try await client.unary(
            Self.lock, framed: request.framed, options: Self.options)
        guard let key = WireMessage.bytes(2, in: granted.message) else {
            return "a lock has no key"
        }
        var release = WireMessage()
        release.add(1, key)
        _ = try await client.unary(Self.unlock, framed: release.framed, options: Self.options)
        return nil
    }
}
