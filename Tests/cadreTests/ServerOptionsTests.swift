import ArgumentParser
import GRPC
import Testing

@testable import cadre

struct ServerOptionsTests {
    @Test func `a call has its time, a watch goes on until it is told otherwise`() throws {
        let plain = try ServerOptions.parse([])
        #expect(plain.callOptions.timeout == .seconds(120))
        #expect(plain.watchOptions.timeout == nil)
        let timed = try ServerOptions.parse(["--timeout", "5"])
        #expect(timed.callOptions.timeout == .seconds(5))
        #expect(timed.watchOptions.timeout == .seconds(5))
        #expect(throws: (any Error).self) { _ = try ServerOptions.parse(["--timeout", "0"]) }
    }
}
