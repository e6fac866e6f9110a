/// The status codes of gRPC; the raw value is what `grpc-status` carries.
public enum GRPCStatusCode: Int, Sendable, Hashable, CaseIterable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16

    /// The name in the gRPC specification, such as `NOT_FOUND`; made for labels and logs.
    public var name: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internalError: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }
}

/// How a call ended: a code, a message for a person, and machine-readable details.
///
/// It is an `Error` so that handlers may throw it and clients receive it; throwing `ok` is a mistake.
public struct GRPCStatus: Error, Sendable, Hashable {
    /// The code.
    public var code: GRPCStatusCode
    /// Whether the client says it itself, because it has no connection to the server or has lost
    /// it: UNAVAILABLE that no server answered. Never sent.
    public var isConnectionFailure = false
    /// What happened and what to do about it; UTF-8, percent-encoded on the wire, may be empty.
    public var message: String
    /// A serialized `google.rpc.Status`, sent as `grpc-status-details-bin`; empty when there is none.
    /// Its code and message must agree with the fields above.
    public var details: [UInt8]

    /// A status with this code, message and details.
    public init(_ code: GRPCStatusCode, _ message: String = "", details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    /// UNAVAILABLE for want of a connection.
    static func connectionFailure(_ message: String) -> GRPCStatus {
        var status = GRPCStatus(.unavailable, message)
        status.isConnectionFailure = true
        return status
    }

    /// Success, without a message.
    public static let ok = GRPCStatus(.ok)
}

extension GRPCStatus: CustomStringConvertible {
    /// `NOT_FOUND: no such run`, for logs and the terminal.
    public var description: String {
        message.isEmpty ? code.name : "\(code.name): \(message)"
    }
}

/// Why a call on the server ended before its handler finished it.
public enum CallEnd: Sendable, Hashable {
    /// The client reset the stream.
    case cancelledByClient
    /// The deadline of `grpc-timeout` passed; the client has been told.
    case deadlineExceeded
    /// The connection is gone: the client has closed it, the network has, or it broke the rules of
    /// HTTP/2.
    case connectionLost
    /// The server is shutting down and its grace period is over; the client has been told.
    case serverShutdown
    /// The client broke a rule of the protocol, or a limit, in the middle of the call; it has been
    /// told.
    case protocolViolation
    /// The client did not take what was sent to it; it has been told.
    case clientTooSlow
    /// The handler of a stream threw a status at a message, or one of its messages was not
    /// understood; the client has been told.
    case refused
}
