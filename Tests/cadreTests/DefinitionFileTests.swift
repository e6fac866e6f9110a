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
}
