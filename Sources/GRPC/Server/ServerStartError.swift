import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why a server could not listen.
public struct ServerStartError: Error, CustomStringConvertible {
    /// The address and port asked for.
    public let address: String
    /// The system's error number, such as `EADDRINUSE`; 0 when the error was not the system's.
    public let errno: Int32
    /// What happened and what to do, for a person.
    public let description: String

    init(address: String, cause: any Error) {
        self.address = address
        let system = cause as? IOError
        errno = system?.errnoCode ?? 0
        let reason =
            switch errno {
            case _ where cause is SocketAddressError.UnknownHost:
                "the host name cannot be resolved; use 127.0.0.1 or 0.0.0.0"
            case EADDRINUSE: "the port is in use; stop the other process or choose another port"
            case EACCES: "not permitted; ports below 1024 need a privilege, choose a higher one"
            case EADDRNOTAVAIL: "this machine has no such address; use 127.0.0.1 or 0.0.0.0"
            default: "\(cause)"
            }
        description = "cannot listen on \(address): \(reason)"
    }
}
