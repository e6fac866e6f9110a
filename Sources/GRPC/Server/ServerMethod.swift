/// A method together with the code that serves it.
///
/// The handler runs on the socket loop of the call's connection and must not block: it answers at
/// once, or keeps the call and answers from a later task of the same loop.
public struct ServerMethod: Sendable {
    /// What runs when a call of this method comes in.
    enum Handler: Sendable {
        case oneMessage(@Sendable (ServerCall, RawSpan) throws(GRPCStatus) -> Void)
        case stream(@Sendable (ServerCall) throws(GRPCStatus) -> Void)
    }

    /// The method served.
    public let descriptor: MethodDescriptor
    let handler: Handler

    /// A method with one request (unary, server streaming).
    ///
    /// The closure is called once, with the whole message, after the client has half-closed: that
    /// there is exactly one message has been checked. The span is valid during the call only.
    /// A thrown status ends the call.
    public init(
        _ descriptor: MethodDescriptor,
        oneMessage: @escaping @Sendable (ServerCall, RawSpan) throws(GRPCStatus) -> Void
    ) {
        precondition(
            descriptor.kind.takesOneRequest,
            "\(descriptor.path) takes a stream: use init(_:stream:)")
        self.descriptor = descriptor
        self.handler = .oneMessage(oneMessage)
    }

    /// A method with a stream of requests (client streaming, bidirectional).
    ///
    /// The closure is called when the headers have come; it installs `onMessage` and `onHalfClose`.
    /// A thrown status ends the call.
    public init(
        _ descriptor: MethodDescriptor,
        stream: @escaping @Sendable (ServerCall) throws(GRPCStatus) -> Void
    ) {
        precondition(
            !descriptor.kind.takesOneRequest,
            "\(descriptor.path) takes one message: use init(_:oneMessage:)")
        self.descriptor = descriptor
        self.handler = .stream(stream)
    }
}

/// A service as given to a server: its description and the methods that are served.
///
/// A method of the descriptor that has no `ServerMethod` is answered UNIMPLEMENTED.
public struct ServiceRegistration: Sendable {
    /// The service on the wire; used for reflection and health too.
    public let descriptor: ServiceDescriptor
    /// The methods served.
    public let methods: [ServerMethod]

    /// Registers these methods of the service.
    public init(descriptor: ServiceDescriptor, methods: [ServerMethod]) {
        self.descriptor = descriptor
        self.methods = methods
    }
}
