import Messages
import Testing

@testable import cadre

struct DefinitionFileTests {
    private func fault(_ text: String) -> String? {
        do throws(Failed) {
            _ = try DefinitionFile(text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `YAML values become JSON templates`() throws {
        let definition = try DefinitionFile(
            """
            name: patience
            version: "1"
            result: ${steps.tell.output}
            steps:
              - id: rest
                agent_type: echo
                operation: wait
                input: {millis: 10000, ratio: 0.5, name: "7", on: true, none: null, list: [1, a]}
              - {id: tell, agent_type: echo, operation: say, depends_on: [rest], optional: true}
            """
        ).definition
        #expect(definition.name == "patience" && definition.version == "1")
        #expect(definition.resultTemplate == #""${steps.tell.output}""#)
        #expect(
            definition.steps[0].inputTemplate
                == #"{"millis":10000,"ratio":0.5,"name":"7","on":true,"none":null,"list":[1,"a"]}"#)
        #expect(definition.steps[1].dependsOn == ["rest"] && definition.steps[1].optional)
        #expect(definition.steps[1].inputTemplate.isEmpty)
    }

    /// The JSON of one value of a step's input; `nil` when it was refused.
    private func input(_ yaml: String) -> String? {
        let text = "name: n\nversion: '1'\nsteps: [{id: a, input: {v: \(yaml)}}]"
        let template = try? DefinitionFile(text).definition.steps.first?.inputTemplate
        return template.map { String($0.dropFirst(5).dropLast()) }
    }

    @Test(arguments: [
        ("null", "null"), ("~", "null"), ("true", "true"), ("FALSE", "false"), ("7", "7"),
        ("-7", "-7"), ("+7", "7"), ("012", "12"), ("0", "0"), ("-0", "-0"), ("0o17", "15"),
        ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
        ("0x1F", "31"), ("0.50", "0.50"), (".5", "0.5"), ("5.", "5"), ("-1e3", "-1e3"),
        ("00.1E+2", "0.1E+2"),
    ])
    func `plain scalars are those of the core schema`(yaml: String, json: String) {
        #expect(input(yaml) == json)
    }

    @Test(arguments: [
        "yes", "no", "on", "off", "Yes", "12:30:45", "1:30", "1_000", "0b11", "0o8", "0xg", "1e",
        "e5", ".", "+", "2025-06-29", ".inf", ".nan", "<<", "=",
        "0x6f87e50ff96ab9231e79df1f816a00ed2bb0890c",
    ])
    func `what only looks like something else stays text`(yaml: String) {
        #expect(input("\(yaml)") == "\"\(yaml)\"")
    }

    @Test(arguments: ["7", "true", "null", "0x1f"])
    func `what is quoted or tagged as text is text`(text: String) {
        for yaml in ["'\(text)'", "\"\(text)\"", "!!str \(text)"] {
            #expect(input(yaml) == "\"\(text)\"")
        }
    }

    @Test(arguments: [
        "123456789012345678901234", "9007199254740993", "-9223372036854775809",
        "0.1234567890123456789012345",
    ])
    func `a number keeps its digits, however many`(number: String) {
        #expect(input(number) == number)
    }

    @Test(arguments: ["", "1.5", "1_000", "12:30", "9223372036854775808", "e5"])
    func `a field that is a whole number takes nothing else`(text: String) {
        let fault = fault("name: n\nrun_timeout_millis: \(text)\n")
        #expect(fault == "the definition.run_timeout_millis must be a whole number")
    }

    @Test func `a field takes what a value may be, also in quotes`() throws {
        let definition = try DefinitionFile("run_timeout_millis: '0x10'\nname: 1.10").definition
        #expect(definition.runTimeoutMillis == 16 && definition.name == "1.10")
        #expect(fault("steps: [{id: x, optional: yes}]")?.contains("true or false") == true)
    }

    @Test func `conditions, contracts, modes and loops are read`() throws {
        let definition = try DefinitionFile(
            """
            name: all
            version: "1"
            input_schema: {type: object}
            steps:
              - id: a
                when: "input.n > 1"
                output_schema: {type: array}
                modes: {degraded: hold, emergency: cached}
              - {id: b, child: {workflow: w, repeat: {until: "output.done", times: 3}}}
            """
        ).definition
        #expect(definition.inputSchema == #"{"type":"object"}"#)
        #expect(definition.steps[0].when == "input.n > 1")
        #expect(definition.steps[0].outputSchema == #"{"type":"array"}"#)
        #expect(definition.steps[0].modes?.degraded == .hold)
        #expect(definition.steps[0].modes?.emergency == .cached)
        guard case .child(let child) = definition.steps[1].kind else {
            Issue.record("the child is gone")
            return
        }
        #expect(child.repeat?.until == "output.done" && child.repeat?.times == 3)
    }

    @Test func `a ballot is read, and what it leaves out is the default`() throws {
        let definition = try DefinitionFile(
            """
            name: vote
            version: "1"
            steps:
              - id: a
                operation: judge
                ballot:
                  voters:
                    - {agent_type: judge, every_instance: true}
                    - {agent_type: other, name: o, agent_id: i, weight: 2.5, operation: p}
                  method: weighted
                  quorum: 0.7
                  equivalence: {field: side}
                  series: s
            """
        ).definition
        guard case .ballot(let ballot) = definition.steps[0].kind else {
            Issue.record("the ballot is gone")
            return
        }
        #expect(
            ballot.voters == [
                Voter(agentType: "judge", everyInstance: true),
                Voter(name: "o", agentType: "other", agentID: "i", weight: 2.5, operation: "p"),
            ])
        var rules = BallotRules(quorum: 0.7, method: .weighted, weights: .given, series: "s")
        rules.equivalence = AnswerEquivalence(field: "side")
        #expect(ballot.rules == rules)
        #expect(
            fault("name: n\nversion: '1'\nsteps: [{id: a, ballot: {method: dice}}]")
                == "steps[0].ballot.method is \"dice\"; it may be majority, weighted, unanimous, "
                + "ranked, median, trimmed_mean")
    }

    @Test func `JSON is read as well`() throws {
        let text = #"{"name": "a", "version": "2", "steps": [{"id": "x", "retry": {"factor": 3}}]}"#
        let definition = try DefinitionFile(text).definition
        #expect(definition.steps.first?.retry?.factor == 3)
    }

    @Test(arguments: [
        ("", "empty"), ("- a", "mapping"), ("nam: x", "nam"), ("steps: 3", "steps"),
        ("steps: [{idd: x}]", "steps[0]"), ("steps: [{id: x, optional: perhaps}]", "optional"),
        ("steps: [{id: x, retry: {factor: much}}]", "steps[0].retry.factor"),
        ("name: 'x", "YAML"),
    ])
    func `what is wrong is named with its place`(text: String, hint: String) {
        #expect(fault(text)?.contains(hint) == true, "\(fault(text) ?? "it was taken")")
    }

    @Test(arguments: [
        ("definition.steps[0].input_template", "steps[0].input"),
        ("definition.steps[1].fallback.input_template", "steps[1].fallback.input"),
        ("definition.result_template", "result"), ("definition.input_schema", "input_schema"),
        ("definition.steps[0].retry.initial_millis", "steps[0].retry.initial_millis"),
        ("definition", "definition"),
    ])
    func `a field of the request is named as in the file`(field: String, name: String) {
        #expect(DefinitionFile.name(ofField: field) == name)
    }
}
