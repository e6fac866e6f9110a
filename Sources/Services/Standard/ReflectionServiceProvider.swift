import GRPC
import Messages
import Stubs

/// Serves `grpc.reflection.v1.ServerReflection`, and the same messages under the v1alpha name that
/// older tools still ask for.
///
/// What is not found is an answer, not an end of the stream.
public struct ReflectionServiceProvider: GrpcReflectionV1.ServerReflectionHandler {
    private typealias Request = GrpcReflectionV1.ServerReflectionRequest
    private typealias Response = GrpcReflectionV1.ServerReflectionResponse

    /// The name under which old tools ask.
    public static let alphaName = "grpc.reflection.v1alpha.ServerReflection"

    private let services: [String]
    private let index: DescriptorIndex

    /// Tells of `services`, and of everything in `index`.
    public init(services: [String], index: DescriptorIndex = EmbeddedDescriptors.index) {
        self.services = services.sorted()
        self.index = index
    }

    /// See `ServerReflectionInfo` in the proto.
    public func serverReflectionInfo(
        _ call: BidirectionalCall<
            GrpcReflectionV1.ServerReflectionRequest, GrpcReflectionV1.ServerReflectionResponse
        >
    ) {
        call.onMessage { request in
            var response = Response(validHost: request.host, originalRequest: request)
            response.messageResponse = answer(request)
            call.send(response)
        }
        call.onHalfClose { call.finish() }
        call.endAtShutdown()
    }

    private func answer(_ request: Request) -> Response.MessageResponse {
        switch request.messageRequest {
        case .listServices: list
        case .fileByFilename(let name): files(index.file(named: name), "file \(name)")
        case .fileContainingSymbol(let symbol):
            files(index.file(containing: symbol), "symbol \(symbol)")
        case .fileContainingExtension(let wanted):
            notFound("extension \(wanted.extensionNumber) of \(wanted.containingType)")
        case .allExtensionNumbersOfType(let type): extensions(of: type)
        case nil: error(.invalidArgument, "the request asks for nothing")
        }
    }

    private var list: Response.MessageResponse {
        .listServicesResponse(
            .init(service: services.map { GrpcReflectionV1.ServiceResponse(name: $0) }))
    }

    /// The file with everything it imports, so that one answer is enough.
    private func files(
        _ file: DescriptorIndex.File?, _ wanted: String
    ) -> Response.MessageResponse {
        guard let file else { return notFound(wanted) }
        return .fileDescriptorResponse(
            .init(fileDescriptorProto: index.withDependencies(file).map(\.bytes)))
    }

    /// proto3 messages have no extensions: a known message has none, another is not found.
    private func extensions(of type: String) -> Response.MessageResponse {
        guard index.declaresMessage(type) else { return notFound("message \(type)") }
        return .allExtensionNumbersResponse(.init(baseTypeName: type, extensionNumber: []))
    }

    private func notFound(_ wanted: String) -> Response.MessageResponse {
        error(.notFound, "there is no \(Excerpt(wanted)) here")
    }

    private func error(_ code: GRPCStatusCode, _ message: String) -> Response.MessageResponse {
        .errorResponse(.init(errorCode: Int32(code.rawValue), errorMessage: message))
    }
}
