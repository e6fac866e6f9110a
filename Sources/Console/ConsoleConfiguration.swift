#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif
import NIOCore

/// Where the console listens and how much it takes from anybody.
public struct ConsoleConfiguration: Sendable, Hashable {
    /// Name or address to listen on.
    public var host: String
    /// TCP port, 0 ... 65535; 0 lets the system choose one, see ``ConsoleServer/port``.
    public var port: Int
    /// Connections open at once; more are answered 503 and closed. Default 100: scrapers, probes
    /// and a few people.
    public var maxConnections = 100
    /// Bytes of all header names and values of one request; more is answered 431. Default 16 KiB.
    public var maxHeaderBytes = 16 << 10
    /// Header fields in one request; more is answered 431. Default 100.
    public var maxHeaderFields = 100
    /// How long a connection may take for its next request, and for reading an answer, before it
    /// is closed. Default 30 s.
    public var connectionTimeout = TimeAmount.seconds(30)

    /// The defaults for an address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// The console could not start. ``message`` says what happened and what to do.
public struct ConsoleError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller can tell apart.
    public enum Code: Sendable, Hashable {
        /// Something listens on the port already.
        case portInUse
        /// The user may not listen on the port, or the address is not one of this machine's.
        case addressRefused
        /// Anything else.
        case failed
    }

    /// What happened.
    public let code: Code
    /// The address, the cause and the remedy in one sentence or two.
    public let message: String

    public var description: String { message }

    /// Says why nothing listens at an address.
    init(cannotListenAt address: String, because cause: any Error) {
        let number = (cause as? IOError)?.errnoCode
        switch number {
        case EADDRINUSE:
            code = .portInUse
            message =
                "cannot listen on \(address): the port is in use. Stop what uses it or pass "
                + "another --console-port"
        case EACCES:
            code = .addressRefused
            message =
                "cannot listen on \(address): ports below 1024 need a privilege. Pass a "
                + "--console-port above 1023"
        case EADDRNOTAVAIL:
            code = .addressRefused
            message =
                "cannot listen on \(address): this machine has no such address. Pass one of its "
                + "own with --host, such as 127.0.0.1"
        default:
            code = .failed
            let isUnknown = cause is SocketAddressError.UnknownHost
            let reason = isUnknown ? "the host name cannot be resolved" : "\(cause)"
            message =
                "cannot listen on \(address): \(reason). Pass an address of this machine with "
                + "--host, such as 127.0.0.1"
        }
    }
}
