import GRPC
import Messages

/// Rich errors: a status that a program can read as well as a person.
///
/// The details travel as a `google.rpc.Status` in `grpc-status-details-bin`
/// (cloud.google.com/apis/design/errors).
extension GRPCStatus {
    /// The domain of Cadre's reasons in `google.rpc.ErrorInfo`.
    public static let errorDomain = "cadre"

    /// One field of a request that is not as it must be.
    public struct BadField: Sendable, Hashable {
        /// Path of the field in the request, such as `steps[2].retry.max_attempts`.
        public var path: String
        /// What is wrong, and what would be right.
        public var problem: String

        /// Names a field and its fault.
        public init(_ path: String, _ problem: String) {
            self.path = path
            self.problem = problem
        }
    }

    /// One condition that must hold before the call can succeed.
    public struct UnmetPrecondition: Sendable, Hashable {
        /// The kind of condition, a constant such as `STALE_TOKEN`.
        public var type: String
        /// What does not meet it.
        public var subject: String
        /// How to meet it.
        public var problem: String

        /// Names a condition and what does not meet it.
        public init(type: String, subject: String, problem: String) {
            self.type = type
            self.subject = subject
            self.problem = problem
        }
    }

    /// A status with details.
    ///
    /// - Parameters:
    ///   - reason: a constant in upper snake case that names the cause, such as `AGENT_NOT_FOUND`.
    ///   - metadata: what the message says in words, by key, such as `agent_type`.
    ///   - badFields: every bad field, not the first. Of very many the first are named and the
    ///     rest counted, so that the status stays small enough to be sent as trailers.
    ///   - retryDelay: the least time to wait before trying again; nil when trying again is no use.
    public init(
        _ code: GRPCStatusCode, _ message: String, reason: String,
        metadata: FieldMap<String, String> = [:], badFields: [BadField] = [],
        preconditions: [UnmetPrecondition] = [], retryDelay: Duration? = nil
    ) {
        var details = [
            GoogleProtobuf.AnyMessage(
                packing: GoogleRpc.ErrorInfo(
                    reason: reason, domain: Self.errorDomain, metadata: metadata))
        ]
        if !badFields.isEmpty {
            details.append(GoogleProtobuf.AnyMessage(packing: Self.badRequest(badFields)))
        }
        if !preconditions.isEmpty {
            details.append(GoogleProtobuf.AnyMessage(packing: Self.failure(preconditions)))
        }
        if let retryDelay {
            let delay = GoogleProtobuf.Duration(retryDelay)
            details.append(
                GoogleProtobuf.AnyMessage(packing: GoogleRpc.RetryInfo(retryDelay: delay)))
        }
        let status = GoogleRpc.Status(
            code: Int32(code.rawValue), message: Excerpt(message, maxBytes: 512).description,
            details: details)
        self.init(code, message, details: status.encoded())
    }

    /// INVALID_ARGUMENT that names every bad field, in its message and in its details.
    public static func invalidArgument(
        _ badFields: [BadField], reason: String = "INVALID_REQUEST"
    ) -> GRPCStatus {
        let problems = badFields.map { "\($0.path): \($0.problem)" }.joined(separator: "; ")
        return GRPCStatus(.invalidArgument, problems, reason: reason, badFields: badFields)
    }

    /// Bad fields that are named, and bytes that naming them may take.
    private static let maxNamedFields = 20
    private static let maxNamedFieldBytes = 3 << 10

    private static func badRequest(_ fields: [BadField]) -> GoogleRpc.BadRequest {
        var named: [GoogleRpc.BadRequest.FieldViolation] = []
        var bytes = 0
        for field in fields.prefix(maxNamedFields) {
            let violation = GoogleRpc.BadRequest.FieldViolation(
                field: Excerpt(field.path, maxBytes: 300).description,
                description: Excerpt(field.problem, maxBytes: 300).description)
            bytes += violation.field.utf8.count + violation.description.utf8.count
            if bytes > maxNamedFieldBytes { break }
            named.append(violation)
        }
        if named.count < fields.count {
            named.append(.init(field: "", description: "and \(fields.count - named.count) more"))
        }
        return GoogleRpc.BadRequest(fieldViolations: named)
    }

    private static func failure(
        _ preconditions: [UnmetPrecondition]
    ) -> GoogleRpc.PreconditionFailure {
        GoogleRpc.PreconditionFailure(
            violations: preconditions.map {
                GoogleRpc.PreconditionFailure.Violation(
                    type: $0.type, subject: $0.subject, description: $0.problem)
            })
    }

    // MARK: - Reading

    /// A detail of the given kind; nil when the status carries none that can be read.
    public func detail<Detail: WireMessage>(_ type: Detail.Type = Detail.self) -> Detail? {
        guard !details.isEmpty, let status = try? GoogleRpc.Status.decoded(from: details) else {
            return nil
        }
        return status.details.lazy.compactMap { $0.unpacked(as: type) }.first
    }

    /// The machine-readable cause, such as `AGENT_NOT_FOUND`; nil when there is none.
    public var reason: String? {
        detail(GoogleRpc.ErrorInfo.self)?.reason
    }

    /// The fields a server found bad.
    public var badFields: [BadField] {
        detail(GoogleRpc.BadRequest.self)?.fieldViolations
            .map { BadField($0.field, $0.description) } ?? []
    }

    /// The least time to wait before trying again; nil when the server did not ask for it.
    public var retryDelay: Duration? {
        detail(GoogleRpc.RetryInfo.self)?.retryDelay?.duration
    }
}
