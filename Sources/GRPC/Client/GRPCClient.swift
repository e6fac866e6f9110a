public import NIOCore

/// A gRPC client of one server: one connection, made when the first call needs it and made again
/// when it is lost.
///
/// Any thread may call it. Close it when done; the event loop group is the owner's.
public final class GRPCClient: Sendable {
    let configuration: ClientConfiguration

    /// A client of the server at `host` and `port`; does not connect yet.
    public init(
        host: String, port: Int, group: any EventLoopGroup,
        configuration: ClientConfiguration = .defaults
    ) {
        self.configuration = configuration
    }

    /// Makes a call with one request and one response.
    ///
    /// `framed` is 5 spare bytes and then the message. Cancelling the task cancels the call.
    /// - Throws: the status, when it is not OK; UNAVAILABLE names the address and the reason.
    public func unary(
        _ method: MethodDescriptor, framed: [UInt8], options: CallOptions = .defaults
    ) async throws(GRPCStatus) -> ClientResponse { throw GRPCStatus(.unimplemented) }

    /// Begins a call of any kind; returns when its headers have been given to the connection.
    ///
    /// - Throws: UNAVAILABLE when there is no connection (see `CallOptions.waitForReady`).
    public func stream(
        _ method: MethodDescriptor, options: CallOptions = .defaults
    ) async throws(GRPCStatus) -> ClientStream { throw GRPCStatus(.unimplemented) }

    /// Ends open calls with CANCELLED and closes the connection; every later call is UNAVAILABLE.
    public func close() async {}
}
