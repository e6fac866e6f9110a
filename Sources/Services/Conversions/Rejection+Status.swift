import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension Rejection {
    /// The gRPC status a caller sees: code, message, and the details as google.rpc messages.
    var status: GRPCStatus {
        GRPCStatus(
            code.grpc, message, reason: reason,
            metadata: FieldMap(
                lastWins: details.sorted { $0.key < $1.key }.map {
                    .init(key: $0.key, value: $0.value)
                }),
            badFields: fields.map { GRPCStatus.BadField($0.field, $0.description) },
            retryDelay: retryAfterMillis.map { .milliseconds($0) })
    }
}

extension Rejection.Code {
    fileprivate var grpc: GRPCStatusCode {
        switch self {
        case .invalid: .invalidArgument
        case .notFound: .notFound
        case .exists: .alreadyExists
        case .precondition: .failedPrecondition
        case .denied: .permissionDenied
        case .unavailable: .unavailable
        case .overloaded: .resourceExhausted
        case .deadline: .deadlineExceeded
        case .conflict: .aborted
        case .outOfRange: .outOfRange
        }
    }
}

/// Gathers every bad field of a request, so that one answer names them all. Costs nothing while
/// there are none.
struct FieldFaults {
    private(set) var faults: [FieldFault] = []
    /// Goes before the name of each field: where what is checked stands in the request.
    private let place: String

    /// None yet.
    init(place: String = "") { self.place = place }

    /// Notes a fault when `isRight` is false.
    mutating func check(
        _ isRight: Bool, _ field: @autoclosure () -> String,
        _ description: @autoclosure () -> String
    ) {
        if isRight { return }
        faults.append(FieldFault(field: place + field(), description: description()))
    }

    /// Notes a missing or overlong name. Names are 1 to 256 bytes.
    mutating func checkName(_ name: String, _ field: @autoclosure () -> String) {
        let count = name.utf8.count
        check(count > 0, field(), "is required")
        check(count <= 256, field(), "is \(count) bytes; at most 256 are allowed")
    }

    /// The status that names them all; `nil` when there are none.
    var status: GRPCStatus? { faults.isEmpty ? nil : rejection?.status }

    /// The refusal that names them all; `nil` when there are none.
    var rejection: Rejection? {
        guard let first = faults.first else { return nil }
        let rest = faults.count > 1 ? " (and \(faults.count - 1) more)" : ""
        return Rejection(
            .invalid, reason: "INVALID_REQUEST",
            "\(first.field) \(first.description)\(rest)", fields: faults)
    }
}
