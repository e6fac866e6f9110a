public import NIOCore

/// A gRPC server: accepts connections on one port and serves the registered services on the event
/// loops of a group.
public final class GRPCServer: Sendable {
    let configuration: ServerConfiguration

    /// A server, not yet listening.
    ///
    /// - Parameters:
    ///   - services: no two may share a method's path.
    ///   - group: its loops do all the work; the server does not shut it down.
    ///   - metrics: told about each call; nil when nobody wants to know.
    public init(
        configuration: ServerConfiguration = .defaults, services: [ServiceRegistration],
        group: any EventLoopGroup, metrics: (any CallObserver)? = nil
    ) {
        self.configuration = configuration
    }

    /// Listens; returns the port, which is the configured one unless that was 0.
    ///
    /// - Throws: `ServerStartError` when the address cannot be listened on; its description says
    ///   why and what to do.
    public func start() async throws -> Int { 0 }

    /// Stops: no new connections, clients are told to go elsewhere, open calls may end within
    /// `grace`, the rest is cancelled with UNAVAILABLE, then every connection is closed.
    public func shutdown(grace: Duration) async {}
}

/// Why a server could not listen.
public struct ServerStartError: Error, CustomStringConvertible {
    /// The address and port asked for.
    public let address: String
    /// The system's error number, such as `EADDRINUSE`.
    public let errno: Int32
    /// What happened and what to do, for a person.
    public let description: String
}
