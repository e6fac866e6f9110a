import ArgumentParser
import Foundation
import Messages
import Testing

@testable import cadre

/// What verbs take, what they refuse before they ask a server, and what their help says.
struct VerbOptionsTests {
    /// The exit code with which a line is refused; `nil`: it is taken.
    private func refusal(_ line: [String]) -> (code: Int32, message: String)? {
        do {
            _ = try CadreCommand.parseAsRoot(line)
            return nil
        } catch {
            return (CadreCommand.exitCode(for: error).rawValue, CadreCommand.message(for: error))
        }
    }

    @Test(arguments: [
        (["event", "put-subscription", "s", "--pattern", "a", "--signal", "go"], "--signal-run"),
        (["event", "put-subscription", "s", "--pattern", "a", "--signal-run", "r"], "--signal"),
        (["breaker", "put", "b", "--recover-at", "3"], "--trip-at"),
        (["breaker", "put", "b", "--below"], "--trip-at"),
        (["breaker", "put", "b", "--trip-at", "5", "--failures", "3"], "--failures"),
        (["breaker", "put", "b", "--trip-at", "5", "--open-seconds", "3"], "--open-seconds"),
        (["memory", "put", "k", "v", "--lock", "l"], "--token"),
    ])
    func `an option that another one gives its meaning is refused without it`(
        line: [String], option: String
    ) {
        let refusal = refusal(line)
        #expect(refusal?.code == 64 && refusal?.message.contains(option) == true)
    }

    @Test(arguments: [
        ["breaker", "put", "b", "--window=0"], ["breaker", "put", "b", "--failures=0"],
        ["event", "history", "--limit=0"], ["event", "history", "--limit=-1"],
        ["memory", "history", "k", "--limit=0"], ["memory", "history", "k", "--limit=1001"],
        ["workflow", "list", "--limit=0"], ["admin", "audit", "--limit=0"],
        ["admin", "drain", "--wait=0"], ["admin", "drain", "--wait=3601"],
    ])
    func `a number out of its range is refused before anything is done`(line: [String]) {
        #expect(refusal(line)?.code == 64)
    }

    @Test(arguments: [
        ["workflow", "run", "w", "--id", ""], ["workflow", "run", "w", "--request-id", ""],
        ["workflow", "cancel", "r"], ["workflow", "pause", "r", "--request-id", ""],
        ["workflow", "requeue", "r", "s", "--request-id", ""],
        ["schedule", "trigger", "s", "--request-id", ""],
        ["event", "publish", "a", "--request-id", ""],
        ["ballot", "decide", "say", "--voter", "echo", "--id", ""],
        ["batch", "submit", "b", "1", "--id", ""],
    ])
    func `an id that is given is not empty`(line: [String]) {
        #expect((refusal(line)?.code == 64) == line.contains(""))
    }

    @Test func `who holds the name of a run can be said to matter`() throws {
        let run = try WorkflowCommand.Run.parse(["w", "--id", "x", "--conflict", "use_existing"])
        #expect(run.conflict.policy == .useExisting)
        #expect(try WorkflowCommand.Run.parse(["w"]).conflict.policy == .fail)
    }

    @Test(arguments: [
        BallotCommand.Decide.helpMessage(columns: 400),
        BallotCommand.Agreement.helpMessage(columns: 400),
        BatchCommand.Configure.helpMessage(columns: 400),
        CacheCommand.Set.helpMessage(columns: 400),
    ])
    func `help says no default that would not be taken`(help: String) {
        for option in ["quorum", "support", "decisions", "max-", "in-flight", "ttl", "attempts"] {
            let lines = help.split(separator: "\n").filter { $0.contains("--\(option)") }
            #expect(!lines.contains { $0.contains("(default: 0") }, "\(lines)")
        }
    }

    @Test(arguments: [
        (#"{"a":1}"#, "", ""), ("plain", "", "text/plain"), ("plain", "x/y", "x/y"),
        ("7", "", ""),
    ])
    func `a value is JSON when it is, else text, unless it is said`(
        text: String, given: String, type: String
    ) throws {
        let payload = try InputText.payload(text, type: given)
        #expect(payload.contentType == type && payload.data == Array(text.utf8))
    }

    @Test func `what is left out leaves no blank behind`() {
        #expect(BreakerBinding(agentType: "a", operation: "").text == "a")
        #expect(BreakerBinding(agentType: "a", operation: "b").text == "a b")
        var report = GetReportResponse()
        report.recommendations = [Recommendation(reason: "OPERATING_MODE", text: "Look.")]
        let lines = ReportText(report: report).lines
        #expect(lines.contains { $0.hasSuffix("OPERATING_MODE") })
        #expect(!lines.contains { $0.hasSuffix(" ") })
    }

    @Test func `what cannot be written is said in the system's words`() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let error = #expect(throws: (any Error).self) { try full.write(contentsOf: Data([1])) }
        let cause = try #require(error)
        #expect(SystemReason.number(of: cause) == ENOSPC)
        #expect(SystemReason.text(of: cause) == "No space left on device")
    }

    @Test func `completion knows the words of options that are no enums`() {
        let script = CadreCommand.completionScript(for: .bash)
        for word in ["terminate_other", "notice", "use_existing"] {
            #expect(script.contains(word), "\(word)")
        }
    }

    @Test func `an amount is shown as it was given`() throws {
        #expect(try RunAttribute("amount=12").shown == "amount=12")
        #expect(try RunAttribute("amount=12.5").shown == "amount=12.5")
        #expect(try RunAttribute("vip=true").shown == "vip=true")
    }

    @Test func `what is not a definition is bad data, and a bad attribute wrong usage`() {
        for text in ["", "name: [", "nom: x", "steps: 3"] {
            let failed = #expect(throws: Failed.self) { try DefinitionFile(text) }
            #expect(failed?.exitCode == 65, "\(text)")
        }
        let failed = #expect(throws: Failed.self) { try RunAttribute("x") }
        #expect(failed?.exitCode == 64)
    }

    @Test func `the demo's advice names the server unless it is where clients look`() throws {
        let usual = Settings()
        #expect(DemoCommand.advice(usual, port: 50_051).hasSuffix("workflow list"))
        #expect(DemoCommand.advice(usual, port: 9).hasSuffix("workflow list --server 127.0.0.1:9"))
        var every = Settings()
        every.host = "::"
        #expect(DemoCommand.advice(every, port: 9).hasSuffix("--server [::1]:9"))
    }
}
