import InteropMessages
import Stubs
import Testing

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
