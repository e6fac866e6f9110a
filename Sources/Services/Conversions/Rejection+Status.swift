import Coordination
import Engine
import GRPC
import Stubs

extension Rejection {
    /// The gRPC status a caller sees: code, message, and the details as google.rpc messages.
    var status: GRPCStatus {
        switch code {
        case .invalid:
            .rich(
                .invalidArgument, message, reason: reason,
                badFields: fields.map { BadField(field: $0.field, description: $0.description) })
        case .notFound: .rich(.notFound, message, reason: reason)
        case .exists: .rich(.alreadyExists, message, reason: reason)
        case .precondition: .rich(.failedPrecondition, message, reason: reason)
        case .unavailable: .rich(.unavailable, message, reason: reason)
        case .overloaded:
            .rich(.resourceExhausted, message, reason: reason, retryAfterMillis: retryAfterMillis)
        case .deadline: .rich(.deadlineExceeded, message, reason: reason)
        case .conflict: .rich(.aborted, message, reason: reason)
        }
    }
}

/// Gathers every bad field of a request, so that one answer names them all. Costs nothing while
/// there are none.
struct FieldFaults {
    private(set) var faults: [FieldFault] = []

    /// Notes a fault when `isRight` is false.
    mutating func check(
        _ isRight: Bool, _ field: @autoclosure () -> String, _ description: @autoclosure () -> String
    ) {
        if !isRight { faults.append(FieldFault(field: field(), description: description())) }
    }

    /// Notes a missing or overlong name. Names are 1 to 256 bytes.
    mutating func checkName(_ name: String, _ field: String) {
        let count = name.utf8.count
        check(count > 0, field, "is required")
        check(count <= 256, field, "is \(count) bytes; at most 256 are allowed")
    }

    /// The status that names them all; `nil` when there are none.
    var status: GRPCStatus? {
        guard let first = faults.first else { return nil }
        let rest = faults.count > 1 ? " (and \(faults.count - 1) more)" : ""
        return Rejection(
            .invalid, reason: "INVALID_REQUEST",
            "\(first.field) \(first.description)\(rest)", fields: faults
        ).status
    }
}
