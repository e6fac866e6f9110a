import GRPC
import Messages

/// How generated registrations turn handlers of messages into handlers of bytes.
extension ServerMethod {
    /// A method with one request and one response.
    public static func unary<Request: WireMessage, Response: WireMessage>(
        _ descriptor: MethodDescriptor,
        _ handle: @escaping @Sendable (Request, UnaryCall<Response>) -> Void
    ) -> ServerMethod {
        ServerMethod(descriptor) { (call, bytes) throws(GRPCStatus) in
            handle(try Request.received(bytes), UnaryCall(call))
        }
    }

    /// A method with one request and many responses.
    public static func serverStreaming<Request: WireMessage, Response: WireMessage>(
        _ descriptor: MethodDescriptor,
        _ handle: @escaping @Sendable (Request, ServerStreamCall<Response>) -> Void
    ) -> ServerMethod {
        ServerMethod(descriptor) { (call, bytes) throws(GRPCStatus) in
            handle(try Request.received(bytes), ServerStreamCall(call))
        }
    }

    /// A method with many requests and one response.
    public static func clientStreaming<Request: WireMessage, Response: WireMessage>(
        _ descriptor: MethodDescriptor,
        _ handle: @escaping @Sendable (BidirectionalCall<Request, Response>) -> Void
    ) -> ServerMethod {
        ServerMethod(descriptor, stream: { handle(BidirectionalCall($0)) })
    }

    /// A method with many of both.
    public static func bidirectional<Request: WireMessage, Response: WireMessage>(
        _ descriptor: MethodDescriptor,
        _ handle: @escaping @Sendable (BidirectionalCall<Request, Response>) -> Void
    ) -> ServerMethod {
        ServerMethod(descriptor, stream: { handle(BidirectionalCall($0)) })
    }
}

extension ServiceDescriptor {
    /// The same methods under another service name.
    public func named(_ name: String) -> ServiceDescriptor {
        ServiceDescriptor(name: name, methods: methods.map { $0.moved(to: name) })
    }
}

extension MethodDescriptor {
    /// The same method of another service.
    public func moved(to service: String) -> MethodDescriptor {
        MethodDescriptor(service: service, name: name, kind: kind)
    }
}

extension WireMessage {
    /// Decodes what a peer sent, with a status for what cannot be decoded.
    static func received(_ bytes: RawSpan) throws(GRPCStatus) -> Self {
        do {
            return try decoded(from: bytes, limits: .defaults)
        } catch {
            throw GRPCStatus(undecodable: error)
        }
    }
}
