import GRPC
import InteropMessages
import Messages
import Stubs
import Testing

struct StatusTests {
    static let codes: [(WireError.Reason, GRPCStatusCode)] = [
        (.truncated, .internalError), (.malformedVarint, .internalError),
        (.malformedTag, .internalError), (.group, .internalError),
        (.malformedPacked, .internalError), (.refusedByCodec, .internalError),
        (.nestingTooDeep, .invalidArgument), (.invalidUTF8, .invalidArgument),
        (.nulInString, .invalidArgument), (.memoryCapReached, .resourceExhausted),
    ]

    @Test(arguments: codes)
    func `each refusal has its status`(reason: WireError.Reason, code: GRPCStatusCode) {
        let status = GRPCStatus(undecodable: WireError(reason, offset: 3, field: "a.B.c"))
        #expect(status.code == code)
        #expect(status.message.contains("a.B.c"))
        #expect(status.message.contains("byte 3"))
    }

    @Test func `rich errors say the same to a program as to a person`() throws {
        let status = GRPCStatus(
            .failedPrecondition, "the token is stale", reason: "STALE_TOKEN",
            metadata: ["run_id": "r-1"],
            badFields: [.init("a.b", "too long"), .init("c", "missing")],
            preconditions: [.init(type: "STALE_TOKEN", subject: "r-1", problem: "fetch anew")],
            retryDelay: .milliseconds(1500))
        let sent = try GoogleRpc.Status.decoded(from: status.details)
        #expect(sent.code == 9)
        #expect(sent.message == "the token is stale")
        #expect(
            sent.details.map(\.typeURL) == [
                "type.googleapis.com/google.rpc.ErrorInfo",
                "type.googleapis.com/google.rpc.BadRequest",
                "type.googleapis.com/google.rpc.PreconditionFailure",
                "type.googleapis.com/google.rpc.RetryInfo",
            ])
        #expect(status.reason == "STALE_TOKEN")
        #expect(status.detail(GoogleRpc.ErrorInfo.self)?.domain == "cadre")
        #expect(status.detail(GoogleRpc.ErrorInfo.self)?.metadata["run_id"] == "r-1")
        #expect(status.badFields == [.init("a.b", "too long"), .init("c", "missing")])
        #expect(status.retryDelay == .milliseconds(1500))
        let failure = try #require(status.detail(GoogleRpc.PreconditionFailure.self))
        #expect(failure.violations.map(\.description) == ["fetch anew"])
    }

    @Test func `an invalid argument names every bad field`() {
        let status = GRPCStatus.invalidArgument([.init("x", "is empty"), .init("y[2]", "is odd")])
        #expect(status.code == .invalidArgument)
        #expect(status.message == "x: is empty; y[2]: is odd")
        #expect(status.badFields.count == 2)
    }

    @Test func `a plain status has no details`() {
        let status = GRPCStatus(.notFound, "gone")
        #expect(status.reason == nil)
        #expect(status.badFields.isEmpty)
        #expect(status.retryDelay == nil)
        #expect(GRPCStatus(.unknown, "", details: [0xFF]).reason == nil)
    }
}

struct DescriptorIndexTests {
    private let index = EmbeddedDescriptors.index

    @Test func `all services are listed`() {
        let expected: Set = [
            "cadre.v1.AgentService", "cadre.v1.WorkflowService", "cadre.v1.AdminService",
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ]
        #expect(expected.isSubset(of: Set(index.services)))
        #expect(Set(index.services).count == index.services.count)
    }

    @Test(arguments: [
        ("cadre.v1.AgentService", "cadre/v1/agent_service.proto"),
        ("cadre.v1.AgentService.Invoke", "cadre/v1/agent_service.proto"),
        ("cadre.v1.InvokeRequest", "cadre/v1/agent_service.proto"),
        ("cadre.v1.InvokeRequest.payload", "cadre/v1/agent_service.proto"),
        ("cadre.v1.InvokeResponse.outcome", "cadre/v1/agent_service.proto"),
        ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"),
        ("grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"),
        ("grpc.reflection.v1alpha.ErrorResponse", "grpc/reflection/v1alpha/reflection.proto"),
        ("google.protobuf.Any", "google/protobuf/any.proto"),
    ])
    func `a symbol is found in its file`(symbol: String, file: String) {
        #expect(index.file(containing: symbol)?.name == file)
    }

    @Test func `what is not there is not found`() {
        #expect(index.file(containing: "cadre.v1.Nothing") == nil)
        #expect(index.file(containing: "") == nil)
        #expect(index.file(named: "nothing.proto") == nil)
        #expect(!index.declaresMessage("cadre.v1.AgentService"))
        #expect(index.declaresMessage("cadre.v1.InvokeRequest"))
    }

    @Test func `a file comes with all it needs, each once`() throws {
        let file = try #require(index.file(named: "google/rpc/status.proto"))
        let all = index.withDependencies(file).map(\.name)
        #expect(all == ["google/rpc/status.proto", "google/protobuf/any.proto"])
        let agents = try #require(index.file(named: "cadre/v1/agent_service.proto"))
        let names = index.withDependencies(agents).map(\.name)
        #expect(names.first == "cadre/v1/agent_service.proto")
        #expect(names.contains("cadre/v1/common.proto"))
    }

    @Test func `a broken descriptor set is refused`() {
        #expect(throws: DescriptorError.self) { try DescriptorIndex(fileDescriptorSet: [0x0A, 5]) }
        #expect(throws: DescriptorError.self) { try DescriptorIndex(fileDescriptorSet: [0x0B]) }
    }

    @Test func `the interop set can be served too`() {
        let interop = EmbeddedDescriptors.decode(interopDescriptorSet)
        #expect(interop.services.contains("grpc.testing.TestService"))
    }
}
