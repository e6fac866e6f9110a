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

    @Test func `only a call that no server answered ends with 69`() {
        var lost = GRPCStatus(.unavailable, "cannot connect")
        lost.isConnectionFailure = true
        #expect(Failed(lost).exitCode == 69)
        #expect(Failed(GRPCStatus(.unavailable, "breaker is open")).exitCode == 1)
        #expect(
            Failed(GRPCStatus(.notFound, "a\u{1b}\nb")).description == #"NOT_FOUND: a\x1b\x0ab"#)
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
