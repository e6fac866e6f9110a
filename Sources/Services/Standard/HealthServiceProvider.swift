import GRPC
import Messages
import NIOCore
import Stubs

/// Serves `grpc.health.v1.Health`: Check, List and Watch (gRFC A90 for List).
public struct HealthServiceProvider: GrpcHealthV1.HealthHandler {
    private let registry: HealthRegistry

    /// Says what `registry` says.
    public init(registry: HealthRegistry) {
        self.registry = registry
    }

    /// See `Check` in the proto. NOT_FOUND names a service that is not here.
    public func check(
        _ request: GrpcHealthV1.HealthCheckRequest,
        _ call: UnaryCall<GrpcHealthV1.HealthCheckResponse>
    ) {
        guard Self.isNameShort(request, call) else { return }
        guard let status = registry.status(of: request.service) else {
            let name = Excerpt(request.service)
            return call.fail(GRPCStatus(.notFound, "no service \(name) here; ask List for names"))
        }
        call.respond(GrpcHealthV1.HealthCheckResponse(status: status))
    }

    /// See `List` in the proto.
    public func list(
        _ request: GrpcHealthV1.HealthListRequest,
        _ call: UnaryCall<GrpcHealthV1.HealthListResponse>
    ) {
        var response = GrpcHealthV1.HealthListResponse()
        response.statuses = FieldMap(
            lastWins: registry.all.sorted { $0.0 < $1.0 }.map {
                .init(key: $0.0, value: GrpcHealthV1.HealthCheckResponse(status: $0.1))
            })
        call.respond(response)
    }

    /// See `Watch` in the proto. Ends with UNAVAILABLE when the server stops.
    public func watch(
        _ request: GrpcHealthV1.HealthCheckRequest,
        _ call: ServerStreamCall<GrpcHealthV1.HealthCheckResponse>
    ) {
        guard Self.isNameShort(request, call) else { return }
        let tell = call.hop { (news: HealthRegistry.News) in
            switch news {
            case .status(let status): call.send(GrpcHealthV1.HealthCheckResponse(status: status))
            case .end: call.fail(GRPCStatus(.unavailable, "the server is shutting down"))
            }
        }
        let id = registry.watch(request.service, tell)
        call.onCancel { _ in registry.unwatch(id) }
    }

    /// Refuses names over 256 bytes: no service has one, and watchers keep theirs.
    private static func isNameShort(
        _ request: GrpcHealthV1.HealthCheckRequest, _ call: some TypedServerCall
    ) -> Bool {
        if request.service.utf8.count <= 256 { return true }
        call.fail(.bad("service", "is over 256 bytes"))
        return false
    }
}
