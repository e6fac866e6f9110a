import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Says for a person why a connection could not be made or was lost.
enum ConnectFailure {
    /// A server of another protocol may take a connection and close it at once.
    static let closedEarly = "the server closed it before it spoke HTTP/2; is this its gRPC port?"

    /// Why a connection could not be made. The end of one that was taken and closed at once is found
    /// here or when it is read from, as chance will have it, and is told in the same words.
    static func text(whileConnecting error: any Error) -> String {
        let first = (error as? NIOConnectionError)?.connectionErrors.first?.error
        return isEndOfServer(first ?? error) ? closedEarly : text(error)
    }

    /// One line without addresses.
    static func text(_ error: any Error) -> String {
        if let failure = error as? NIOConnectionError { return text(failure) }
        if case .connectTimeout = error as? ChannelError { return "no answer in time" }
        guard let system = error as? IOError else { return "\(error)" }
        switch system.errnoCode {
        case ECONNREFUSED: return "connection refused; is the server running?"
        case ECONNRESET: return "connection reset by the server"
        case EHOSTUNREACH, ENETUNREACH: return "no route to the host"
        case ETIMEDOUT: return "no answer in time"
        case EPIPE: return "the server closed it"
        default: return "\(system)"
        }
    }

    /// Whether the server has closed the connection, in whatever manner.
    static func isEndOfServer(_ error: any Error) -> Bool {
        let code = (error as? IOError)?.errnoCode
        return code == ECONNRESET || code == EPIPE
    }

    private static func text(_ failure: NIOConnectionError) -> String {
        if let first = failure.connectionErrors.first { return text(first.error) }
        if failure.dnsAError != nil || failure.dnsAAAAError != nil {
            return "the host name \(failure.host) cannot be resolved"
        }
        return "no address to connect to"
    }
}
