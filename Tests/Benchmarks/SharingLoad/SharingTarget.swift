import GRPC

/// A server that keeps keys and locks, asked over gRPC by the same client whichever it is.
protocol SharingTarget: Sendable {
    /// Waits for the server and makes what the calls of a caller need.
    func prepare(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus)

    /// Writes a key; what was wrong with the answer, or nil.
    func put(_ client: GRPCClient, _ key: String, _ value: [UInt8]) async throws(GRPCStatus)
        -> String?

    /// Reads a key that was put; what was wrong with the answer, or nil.
    func get(_ client: GRPCClient, _ key: String) async throws(GRPCStatus) -> String?

    /// Acquires the caller's own lock and releases it; what was wrong, or nil.
    func lock(_ client: GRPCClient, _ caller: Int) async throws(GRPCStatus) -> String?
}

extension SharingTarget {
    static var options: CallOptions { CallOptions(timeout: .seconds(60)) }
    static var patient: CallOptions { CallOptions(timeout: .seconds(30), waitForReady: true) }
    /// For the locks of the callers, milliseconds: longer than any load takes.
    static var leaseMillis: Int64 { 600_000 }
}
