import HTTP2
import Testing

@testable import GRPC

@Suite struct CodingTests {
    @Test(arguments: [
        ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000),
        ("4m", 4_000_000), ("5u", 5_000), ("6n", 6), ("0n", 0), ("99999999n", 99_999_999),
        ("00000001S", 1_000_000_000), ("99999999H", 1 << 60),
    ])
    func `a well-formed timeout is read`(text: String, nanoseconds: Int64) {
        #expect(GRPCTimeout.nanoseconds(Array(text.utf8)[...]) == nanoseconds)
    }

    @Test(arguments: [
        (Duration.seconds(Int64.max), Int64.max), (.seconds(Int64.min), .min),
        (
            Duration(
                secondsComponent: -9_223_372_036, attosecondsComponent: -900_000_000_000_000_000),
            .min
        ),
        (
            Duration(
                secondsComponent: 9_223_372_036, attosecondsComponent: 900_000_000_000_000_000),
            .max
        ),
        (.milliseconds(-1_500), -1_500_000_000),
    ])
    func `a duration beyond an Int64 of nanoseconds is cut on its own side`(
        duration: Duration, nanoseconds: Int64
    ) {
        #expect(duration.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1S ", "123456789S", "1SS",
        "\u{0661}S",
    ])
    func `a malformed timeout is an error, not for ever`(text: String) {
        #expect(GRPCTimeout.nanoseconds(Array(text.utf8)[...]) == nil)
    }

    @Test(arguments: [
        Int64(0), 1, 99_999_999, 100_000_000, 123_456_789_012, 99_999_999_999_999_999, 1 << 60,
    ])
    func `a timeout sent is never shorter than meant, and at most 1 percent longer`(
        nanoseconds: Int64
    ) throws {
        let text = GRPCTimeout.text(nanoseconds: nanoseconds)
        let read = try #require(GRPCTimeout.nanoseconds(Array(text.utf8)[...]))
        #expect(read >= nanoseconds)
        #expect(Double(read) <= Double(nanoseconds) * 1.01)
        #expect(text.utf8.count <= 9)
    }

    @Test(arguments: [
        (Int64(60_000_000_000), "60S"), (59_999_123_456, "60S"), (59_912_345_678, "60S"),
        (1_500_000_000, "1500m"), (249_999_999, "250m"), (1_001, "1010n"), (999, "999n"),
        (1 << 60, "322223H"),
    ])
    func `calls with the same timeout send the same text`(nanoseconds: Int64, text: String) {
        #expect(GRPCTimeout.text(nanoseconds: nanoseconds) == text)
    }

    @Test(arguments: [
        ("", ""), ("hello world", "hello world"), ("100 %", "100 %25"), ("tab\t", "tab%09"),
        ("\r\n", "%0D%0A"), ("\u{263A}", "%E2%98%BA"), ("\u{1F608}", "%F0%9F%98%88"),
    ])
    func `a status message is percent-coded and comes back`(text: String, coded: String) {
        #expect(PercentCoding.encode(text) == Array(coded.utf8))
        #expect(PercentCoding.decode(Array(coded.utf8)[...]) == text)
    }

    @Test(arguments: [
        ("%", "%"), ("%2", "%2"), ("%zz", "%zz"), ("a%4", "a%4"), ("%e2%98%ba", "\u{263A}"),
        ("%FF", "\u{FFFD}"), ("%%41", "%A"),
    ])
    func `a broken escape stays as it is`(coded: String, text: String) {
        #expect(PercentCoding.decode(Array(coded.utf8)[...]) == text)
    }

    @Test(arguments: [
        ([UInt8](), ""), ([0], "AA"), ([0, 255], "AP8"), ([1, 2, 3], "AQID"),
        (Array("hello".utf8), "aGVsbG8"),
    ])
    func `base64 goes out unpadded and comes in both ways`(bytes: [UInt8], text: String) {
        #expect(Base64.encode(bytes) == Array(text.utf8))
        #expect(Base64.decode(Array(text.utf8)[...]) == bytes)
        let padded = text + String(repeating: "=", count: (4 - text.count % 4) % 4)
        #expect(Base64.decode(Array(padded.utf8)[...]) == bytes)
    }

    @Test(arguments: ["A", "AAAAA", "A=", "AA=", "AAA==", "=", "====", "A A", "AA-_", "AA\n", "é"])
    func `what is not base64 is refused and does not trap`(text: String) {
        #expect(Base64.decode(Array(text.utf8)[...]) == nil)
    }

    @Test func `binary metadata with commas is a list`() {
        var metadata = Metadata()
        metadata.fields.append(name: "x-bin", value: "AQID,BA==,!!,")
        #expect(metadata.allBytes("x-bin") == [[1, 2, 3], [4], []])
    }

    @Test func `metadata keeps order, and lower case names`() {
        let metadata: Metadata = ["X-A": "1", "b": "2", "x-a": "3"]
        #expect(metadata.all("x-a") == ["1", "3"])
        #expect(metadata.first("b") == "2")
        #expect(metadata.first("c") == nil)
    }

    @Test func `text that HTTP2 would refuse is made harmless`() {
        let metadata: Metadata = ["x": "  a\r\nb\u{E9} "]
        #expect(metadata.first("x") == "a??b??")
    }

    @Test(arguments: [
        ("grpc-status", false), ("GRPC-x", false), ("", false), ("x y", false), (":path", false),
        ("x-A_1.b-bin", true),
    ])
    func `names a user may send`(name: String, isUsable: Bool) {
        #expect(Metadata.isUsableName(name) == isUsable)
    }

    static let httpMapping: [(Int, GRPCStatusCode)] = [
        (400, .internalError), (401, .unauthenticated), (403, .permissionDenied),
        (404, .unimplemented), (429, .unavailable), (431, .internalError), (502, .unavailable),
        (503, .unavailable), (504, .unavailable), (500, .unknown), (418, .unknown),
    ]

    @Test(arguments: httpMapping)
    func `a bare HTTP status is mapped`(http: Int, code: GRPCStatusCode) {
        var machine = ClientCallMachine(maxResponseBytes: 10)
        let fields = HTTP2Fields([(":status", "\(http)"), ("content-type", "text/html")])
        let out = machine.headersReceived(fields, 0..<2, isLast: true)
        guard case .end(let status, _) = out else {
            Issue.record("expected an end, got \(out)")
            return
        }
        #expect(status.code == code)
    }

    static let resetMapping: [(UInt32, GRPCStatusCode)] = [
        (1, .internalError), (2, .internalError), (3, .internalError), (4, .internalError),
        (6, .internalError), (7, .unavailable), (8, .cancelled), (9, .internalError),
        (10, .internalError), (11, .resourceExhausted), (12, .permissionDenied),
        (0, .internalError),
    ]

    @Test(arguments: resetMapping)
    func `a reset is mapped`(code: UInt32, expected: GRPCStatusCode) {
        var machine = ClientCallMachine(maxResponseBytes: 10)
        #expect(machine.streamClosed(HTTP2ErrorCode(rawValue: code))?.code == expected)
        #expect(machine.streamClosed(HTTP2ErrorCode(rawValue: code)) == nil)
    }

    @Test(arguments: [
        ([("grpc-status", "0")], GRPCStatusCode.ok), ([("grpc-status", "99")], .unknown),
        ([("grpc-status", "x")], .unknown), ([("x", "y")], .unknown),
    ])
    func `trailers end the call with their status`(
        pairs: [(String, String)], code: GRPCStatusCode
    ) {
        var machine = ClientCallMachine(maxResponseBytes: 10)
        let head = HTTP2Fields([(":status", "200"), ("content-type", "application/grpc+proto")])
        #expect(machine.headersReceived(head, 0..<2, isLast: false) == .head(Metadata()))
        let trailers = HTTP2Fields(pairs.map { (name: $0.0, value: $0.1) })
        guard case .end(let status, _) = machine.headersReceived(trailers, 0..<1, isLast: true)
        else {
            Issue.record("expected an end")
            return
        }
        #expect(status.code == code)
    }

    @Test func `an interim response is passed over`() {
        var machine = ClientCallMachine(maxResponseBytes: 10)
        let interim = HTTP2Fields([(":status", "103")])
        #expect(machine.headersReceived(interim, 0..<1, isLast: false) == .nothing)
        #expect(machine.isUnanswered)
    }
}
