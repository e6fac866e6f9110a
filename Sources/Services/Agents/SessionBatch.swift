import Coordination
import Messages
import NIOCore

/// One message to a worker in the making; full well below the size that clients refuse.
struct SessionBatch {
    var message = ConnectResponse()
    private var bytes = 0

    /// gRPC clients take messages up to 4 MiB unless told otherwise; one payload is up to 2 MiB.
    private static let fullBytes = 1 << 20

    var isFull: Bool { bytes >= Self.fullBytes }

    mutating func add(_ assignment: Assignment) {
        bytes += assignment.payload.bytes.count + 128
        let wire = WorkAssignment(assignment)
        if assignment.operation == Assignment.healthOperation {
            message.probes.append(wire)
        } else {
            message.assignments.append(wire)
        }
    }
}
