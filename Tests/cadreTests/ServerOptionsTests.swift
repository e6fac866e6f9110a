import ArgumentParser
import GRPC
import Messages
import Stubs
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

    @Test(arguments: [
        ("127.0.0.1:50051", "127.0.0.1", 50_051), ("a.example:1", "a.example", 1),
        ("[::1]:65535", "::1", 65_535), ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
    ])
    func `a server is a host and a port`(text: String, host: String, port: Int) throws {
        let address = try ServerAddress(text, from: "--server")
        #expect(address.host == host && address.port == port)
    }

    @Test(arguments: [
        "", "x", ":80", "host:", "host:0", "host:65536", "http://127.0.0.1:50051", "::1", "::1:80",
        "[::1:23399", "::1]:80", "[]:80", "[host]:80", "host:80/", "me@host:80",
    ])
    func `another server is refused, and where it was said`(text: String) {
        for source in ["--server", "CADRE_SERVER"] {
            let fault = #expect(throws: ValidationError.self) {
                try ServerAddress(text, from: source)
            }
            #expect(fault?.message.hasPrefix("\(source) must be HOST:PORT") == true)
        }
    }

    @Test(
        arguments: [
            ("7", 7), ("-0.5", -0.5), ("1e3", 1_000), ("12.50", 12.5), ("0x10", nil), ("007", nil),
            ("+7", nil), ("12345678901234567890", nil), ("9007199254740993", nil), ("1e999", nil),
            ("nan", nil), ("", nil), (" 7", nil),
        ] as [(String, Double?)])
    func `an attribute is a number only when it stays the same`(text: String, number: Double?)
        throws
    {
        let value = try RunAttribute("x=\(text)").value
        if let number { #expect(value == .number(number)) } else { #expect(value == .text(text)) }
    }

    @Test func `a list has a length`() {
        for limit in ["0", "-1", "1001"] {
            #expect(throws: (any Error).self) {
                _ = try WorkflowCommand.List.parse(["--limit=\(limit)"])
            }
        }
    }

    @Test func `only a call that no server answered ends with 69`() {
        var lost = GRPCStatus(.unavailable, "cannot connect")
        lost.isConnectionFailure = true
        #expect(Failed(lost).exitCode == 69)
        #expect(Failed(GRPCStatus(.unavailable, "breaker is open")).exitCode == 1)
        #expect(
            Failed(GRPCStatus(.notFound, "a\u{1b}\nb")).description == #"NOT_FOUND: a\x1b\x0ab"#)
    }

    @Test func `of several bad fields each has a line`() {
        let one = GRPCStatus.invalidArgument([.init("a", "is required")])
        #expect(!Failed(one).description.contains("\n"))
        let many = (0..<30).map { GRPCStatus.BadField("f[\($0)]", "is\u{1b} required") }
        let lines = Failed(GRPCStatus.invalidArgument(many)).description.split(separator: "\n")
        #expect(lines.count == 22 && lines[1] == #"  f[0] is\x1b required"#)
        #expect(lines.last == "  and 10 more")
    }

    @Test(
        arguments: [
            (0, 0), (0.0004, 1), (0.0015, 2), (0.07, 70), (1.001, 1_001), (2.3, 2_300),
            (31_622_400, 31_622_400_000),
        ] as [(Double, Int64)])
    func `seconds are the nearest milliseconds, and never 0 unless they are`(
        seconds: Double, millis: Int64
    ) throws {
        #expect(try Duration.millis(seconds, "--for") == millis)
    }

    @Test(arguments: [-1, .nan, .infinity] as [Double])
    func `other durations are wrong usage`(seconds: Double) {
        let failed = #expect(throws: Failed.self) { try Duration.millis(seconds, "--for") }
        #expect(failed?.exitCode == 64)
    }

    @Test func `a signed threshold is a value, not an option`() throws {
        let put = try BreakerCommand.Put.parse([
            "loss", "--trip-at", "-100", "--recover-at", "-50.5", "--below",
        ])
        #expect(put.tripAt == -100 && put.recoverAt == -50.5 && put.below)
    }

    @Test(arguments: [
        BreakerCommand.Put.helpMessage(columns: 400),
        EventsCommand.PutTopic.helpMessage(columns: 400),
        EventsCommand.PutSubscription.helpMessage(columns: 400),
        ScheduleCommand.Put.helpMessage(columns: 400),
    ])
    func `help names one default`(help: String) {
        for line in help.split(separator: "\n") {
            #expect(!(line.contains("Default") && line.contains("(default:")), "\(line)")
        }
    }
}
