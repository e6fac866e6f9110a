/// The four shapes of a call.
public enum MethodKind: Sendable, Hashable {
    /// One request, one response.
    case unary
    /// One request, any number of responses.
    case serverStreaming
    /// Any number of requests, one response.
    case clientStreaming
    /// Any number of both, in any order.
    case bidirectional

    /// True when the client sends exactly one message.
    public var takesOneRequest: Bool { self == .unary || self == .serverStreaming }
    /// True when the server sends exactly one message with status OK.
    public var givesOneResponse: Bool { self == .unary || self == .clientStreaming }
}

/// One method of a service, as named on the wire.
public struct MethodDescriptor: Sendable, Hashable {
    /// The full name of the service, such as `grpc.health.v1.Health`.
    public let service: String
    /// The method's own name, such as `Check`.
    public let name: String
    /// The shape of a call.
    public let kind: MethodKind

    /// Describes the method `name` of the service with the full name `service`.
    public init(service: String, name: String, kind: MethodKind) {
        self.service = service
        self.name = name
        self.kind = kind
    }

    /// The value of `:path`: `/service/name`, case-sensitive.
    public var path: String { "/\(service)/\(name)" }
}

/// A service and its methods, as named on the wire.
public struct ServiceDescriptor: Sendable, Hashable {
    /// The full name, such as `grpc.health.v1.Health`.
    public let name: String
    /// Every method; the order has no meaning.
    public let methods: [MethodDescriptor]

    /// Describes the service with the full name `name`.
    public init(name: String, methods: [MethodDescriptor]) {
        self.name = name
        self.methods = methods
    }
}
