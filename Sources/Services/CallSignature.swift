import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension FieldFaults {
    /// Notes overlong parts of who changes something and why.
    ///
    /// - Parameter needsReason: whether the reason must be given.
    mutating func checkSignature(
        actor: String, reason: String = "", needsReason: Bool = false, requestID: String
    ) {
        check(actor.utf8.count <= 256, "actor", "is over 256 bytes")
        check(requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        check(reason.utf8.count <= 1_024, "reason", "is over 1,024 bytes")
        check(!needsReason || !reason.isEmpty, "reason", "is required: say why")
    }

    /// Notes a duration that is negative or over 366 days.
    mutating func checkDuration(_ millis: Int64, _ field: String) {
        check(
            (0...Self.longestDuration).contains(millis), field,
            "is \(millis); allowed are 0 (until ended) to \(Self.longestDuration) ms, 366 days")
    }

    /// Adds faults that were found elsewhere.
    mutating func add(_ more: [FieldFault]) {
        for fault in more { check(false, fault.field, fault.description) }
    }

    private static let longestDuration: Int64 = 366 * 86_400_000
}

extension TypedServerCall {
    /// Who changes something, for the audit log; the peer where the caller does not say.
    func signature(actor: String, reason: String = "", requestID: String) -> Signature {
        Signature(actor: actor.isEmpty ? peer : actor, reason: reason, requestID: requestID)
    }
}
