import HTTP2
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

@Suite struct RequestHeadsTests {
    private static func method(_ number: Int) -> MethodDescriptor {
        MethodDescriptor(service: "cadre.test.Service", name: "Call\(number)", kind: .unary)
    }

    private static func shown(_ fields: HTTP2Fields) -> [String] {
        fields.fields.map { "\(fields.text(in: $0.name)): \(fields.text(in: $0.value))" }
    }

    @Test func `a request begins with what gRPC asks for, in its order`() {
        var heads = RequestHeads(authority: "example.test:50051")
        let fields = heads.fields(Self.method(1), timeout: 2_000_000_000)
        #expect(
            Self.shown(fields) == [
                ":method: POST", ":scheme: http", ":path: /cadre.test.Service/Call1",
                ":authority: example.test:50051", "te: trailers",
                "content-type: application/grpc", "user-agent: grpc-swift-cadre/1.0",
                "grpc-timeout: 2S",
            ])
    }

    @Test func `an IPv6 host has brackets in :authority`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let named = try await loop.submit {
            ["::1", "fe80::2", "127.0.0.1", "example.test"].map {
                ClientCore(host: $0, port: 71, configuration: .defaults, eventLoop: loop).authority
            }
        }.get()
        #expect(named == ["[::1]:71", "[fe80::2]:71", "127.0.0.1:71", "example.test:71"])
    }

    @Test func `the scheme is the configured one`() {
        var heads = RequestHeads(authority: "a", scheme: "https")
        #expect(Self.shown(heads.fields(Self.method(1), timeout: nil))[1] == ":scheme: https")
    }

    @Test func `more methods and timeouts than are kept each have their own list`() {
        var heads = RequestHeads(authority: "a")
        for round in 0..<3 {
            for number in 0..<12 {
                let timeout: Int64? = number % 3 == 0 ? nil : Int64(number) * 1_000_000
                let fields = Self.shown(heads.fields(Self.method(number), timeout: timeout))
                #expect(fields[2] == ":path: /cadre.test.Service/Call\(number)", "\(round)")
                #expect(fields.count == (timeout == nil ? 7 : 8))
                #expect(timeout == nil || fields[7] == "grpc-timeout: \(number)m")
            }
        }
    }

    @Test func `what is left of the same timeout is the same list, a longer one is another`() {
        var heads = RequestHeads(authority: "a")
        let one = heads.fields(Self.method(1), timeout: 59_999_000_000)
        #expect(heads.fields(Self.method(1), timeout: 59_950_123_456) == one)
        #expect(heads.fields(Self.method(1), timeout: 61_000_000_000) != one)
        #expect(heads.fields(Self.method(2), timeout: 59_999_000_000) != one)
    }
}
