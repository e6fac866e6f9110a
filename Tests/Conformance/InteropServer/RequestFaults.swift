import GRPC
import InteropMessages

/// The largest response one request may ask for. The official cases stay below 1 MiB.
private let maxResponseBytes = 64 << 20

extension GRPCStatus {
    /// The client said that it compressed a message, and did not (or could not: we offer nothing).
    static let notCompressed = GRPCStatus(
        .invalidArgument, "expect_compressed is set, but the message is not compressed")

    static let unknownResponseType = GRPCStatus(
        .invalidArgument, "response_type must be COMPRESSABLE")

    static let unusableSize = GRPCStatus(
        .invalidArgument, "a response has 0 to \(maxResponseBytes) bytes")
}

extension GrpcTesting.SimpleRequest {
    /// Why the request cannot be answered as asked; nil when it can.
    var fault: GRPCStatus? {
        if responseType != .compressable { return .unknownResponseType }
        if expectCompressed?.value == true { return .notCompressed }
        return (0...maxResponseBytes).contains(Int(responseSize)) ? nil : .unusableSize
    }
}

extension GrpcTesting.StreamingOutputCallRequest {
    /// Why the request cannot be answered as asked; nil when it can.
    var fault: GRPCStatus? {
        if responseType != .compressable { return .unknownResponseType }
        let isUsable = responseParameters.allSatisfy {
            (0...maxResponseBytes).contains(Int($0.size)) && $0.intervalUs >= 0
        }
        return isUsable ? nil : .unusableSize
    }
}

extension GrpcTesting.EchoStatus {
    /// The status the call shall end with; nil for OK, which ends nothing. A code that gRPC does
    /// not have becomes UNKNOWN.
    var asked: GRPCStatus? {
        code == 0 ? nil : GRPCStatus(GRPCStatusCode(rawValue: Int(code)) ?? .unknown, message)
    }
}

extension GrpcTesting.Payload {
    /// This many zero bytes, as the cases ask for.
    static func zeros(_ count: Int32) -> GrpcTesting.Payload {
        GrpcTesting.Payload(type: .compressable, body: [UInt8](repeating: 0, count: Int(count)))
    }
}
