import GRPC
import Messages

extension GRPCStatus {
    /// The status for bytes that are not the message they were said to be.
    ///
    /// INTERNAL for what is not protobuf at all, as the gRPC status code table asks of the
    /// library; INVALID_ARGUMENT for well-formed protobuf that proto3 or we do not allow;
    /// RESOURCE_EXHAUSTED when decoding would take too much memory.
    public init(undecodable error: WireError) {
        let code: GRPCStatusCode =
            switch error.reason {
            case .truncated, .malformedVarint, .malformedTag, .group, .malformedPacked,
                .refusedByCodec:
                .internalError
            case .nestingTooDeep, .invalidUTF8, .nulInString: .invalidArgument
            case .memoryCapReached: .resourceExhausted
            }
        self.init(code, "cannot decode \(error)")
    }

    /// The status of a method nobody implemented.
    public static func unimplemented(_ method: MethodDescriptor) -> GRPCStatus {
        GRPCStatus(.unimplemented, "\(method.path) is not implemented by this server")
    }
}
