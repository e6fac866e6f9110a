import GRPC
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

    @Test(arguments: [20, 21, 5_000])
    func `of many bad fields the first are named and the rest counted`(count: Int) {
        let fields = (1...count).map { GRPCStatus.BadField("steps[\($0)].id", "is not a name") }
        let named = GRPCStatus.invalidArgument(fields).badFields
        #expect(named.prefix(20) == fields.prefix(20))
        #expect(
            named.dropFirst(20).map(\.problem) == (count > 20 ? ["and \(count - 20) more"] : []))
    }

    @Test func `bad fields with long texts stay within what trailers carry`() {
        let long = String(repeating: "t", count: 100_000)
        let fields = (1...30).map { GRPCStatus.BadField("f\($0).\(long)", long) }
        let status = GRPCStatus.invalidArgument(fields)
        #expect(status.details.count < 4_500)
        #expect(
            status.badFields.count > 1 && status.badFields.last?.problem.hasSuffix("more") == true)
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
