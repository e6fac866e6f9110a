import Coordination
import Testing

@Suite struct DefinitionTests {
    /// A step of these essentials.
    static func step(
        _ id: String, _ dependsOn: [String] = [], input: String? = nil
    ) -> StepDefinition {
        StepDefinition(
            id: id, agentType: "t", operation: "o", dependsOn: dependsOn, inputTemplate: input)
    }

    static func definition(
        _ steps: [StepDefinition], name: String = "d", version: String = "1",
        result: String? = nil, timeout: Int64? = nil
    ) -> WorkflowDefinition {
        WorkflowDefinition(
            name: name, version: version, steps: steps, resultTemplate: result,
            runTimeoutMillis: timeout)
    }

    static func faults(_ definition: WorkflowDefinition) -> [FieldFault] {
        do throws(DefinitionFaults) {
            _ = try WorkflowPlan(definition)
            return []
        } catch {
            return error.faults
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var definition: WorkflowDefinition
        /// Field and a part of the description of each fault, in order.
        var faults: [(String, String)]

        init(_ what: String, _ definition: WorkflowDefinition, _ faults: (String, String)...) {
            testDescription = what
            self.definition = definition
            self.faults = faults
        }
    }

    static let bad: [Bad] = [
        Bad("no steps", definition([]), ("steps", "1 to 500")),
        Bad(
            "too many steps", definition((0...500).map { step("s\($0)") }),
            ("steps", "has 501 steps")),
        Bad("empty name", definition([step("a")], name: ""), ("name", "has 0 bytes")),
        Bad(
            "long version", definition([step("a")], version: String(repeating: "v", count: 257)),
            ("version", "has 257 bytes")),
        Bad(
            "unknown dependency", definition([step("a", ["b"])]),
            ("steps[0].depends_on[0]", "\"b\" is no step")),
        Bad(
            "dependency twice", definition([step("a"), step("b", ["a", "a"])]),
            ("steps[1].depends_on[1]", "named twice")),
        Bad(
            "duplicate id", definition([step("a"), step("a")]),
            ("steps[1].id", "id of steps[0] already")),
        Bad("bad id", definition([step("a b")]), ("steps[0].id", "is no step id")),
        Bad(
            "a cycle, named", definition([step("a", ["c"]), step("b", ["a"]), step("c", ["b"])]),
            ("steps[0].depends_on", "a -> c -> b -> a")),
        Bad(
            "a step waiting for itself", definition([step("a", ["a"])]),
            ("steps[0].depends_on", "a -> a")),
        Bad(
            "two cycles and a step behind one",
            definition([
                step("a", ["b"]), step("b", ["a"]), step("c", ["c"]), step("d", ["c"]),
                step("e"),
            ]),
            ("steps[0].depends_on", "a -> b -> a"), ("steps[2].depends_on", "c -> c"),
            ("steps[3]", "\"d\" can never run")),
        Bad(
            "broken template", definition([step("a", input: "{\"x\":")]),
            ("steps[0].input", "is no template")),
        Bad(
            "unclosed reference", definition([step("a", input: "\"${input.x\"")]),
            ("steps[0].input", "is no template")),
        Bad(
            "reference to nothing", definition([step("a", input: "\"${now}\"")]),
            ("steps[0].input", "${now} refers to nothing")),
        Bad(
            "reference without output", definition([step("a"), step("b", input: "${steps.a.x}")]),
            ("steps[1].input", "refers to nothing")),
        Bad(
            "reference to an unknown step", definition([step("a", input: "${steps.z.output}")]),
            ("steps[0].input", "\"z\", which is no step")),
        Bad(
            "reference to a step that is no ancestor",
            definition([step("a"), step("b", input: "${steps.a.output}")]),
            ("steps[1].input", "add it to depends_on")),
        Bad(
            "result of an unknown step", definition([step("a")], result: "${steps.q.output}"),
            ("result", "\"q\", which is no step")),
        Bad(
            "zero run timeout", definition([step("a")], timeout: 0),
            ("run_timeout_millis", "is 0 ms")),
        Bad(
            "several faults at once",
            definition([step("a", ["x"]), step("a", input: "[")], name: ""),
            ("name", "has 0 bytes"), ("steps[1].id", "already"),
            ("steps[0].depends_on[0]", "\"x\""), ("steps[1].input", "is no template")),
    ]

    @Test(arguments: bad) func `every fault is named`(bad: Bad) {
        let faults = Self.faults(bad.definition)
        #expect(faults.map(\.field) == bad.faults.map(\.0))
        for (fault, expected) in zip(faults, bad.faults) {
            #expect(fault.description.contains(expected.1), "\(fault)")
        }
    }

    @Test(arguments: [
        ("retry.max_attempts", RetryPolicy(maxAttempts: 0)),
        ("retry.initial_millis", RetryPolicy(initialMillis: -1)),
        ("retry.factor", RetryPolicy(factor: 0.5)),
        ("retry.factor", RetryPolicy(factor: .nan)),
        ("retry.max_millis", RetryPolicy(initialMillis: 10, maxMillis: 9)),
        ("retry.max_millis", RetryPolicy(maxMillis: 366 * 86_400_000 + 1)),
        ("retry.non_retryable_types[0]", RetryPolicy(nonRetryableTypes: [""])),
    ])
    func `retry policies out of range are refused`(field: String, retry: RetryPolicy) {
        var step = Self.step("a")
        step.retry = retry
        let faults = Self.faults(Self.definition([step]))
        #expect(faults.map(\.field) == ["steps[0].\(field)"])
    }

    @Test(
        arguments: [
            (Int64.min, 0), (-1, 0), (0, 0), (1_000, 100_000), (10 * 86_400_000, 366 * 86_400_000),
            (366 * 86_400_000, 366 * 86_400_000), (.max, 366 * 86_400_000),
        ] as [(Int64, Int64)])
    func `the longest wait that follows from the first is in range`(first: Int64, longest: Int64) {
        #expect(RetryPolicy.defaultMaxMillis(afterFirst: first) == longest)
        var step = Self.step("a")
        step.retry = RetryPolicy(initialMillis: first, maxMillis: longest)
        let fields = Self.faults(Self.definition([step])).map(\.field)
        #expect(fields.allSatisfy { $0 == "steps[0].retry.initial_millis" }, "\(fields)")
    }

    @Test func `an ancestor over several steps may be referred to`() throws {
        let plan = try WorkflowPlan(
            Self.definition([
                Self.step("a"), Self.step("b", ["a"]),
                Self.step("c", ["b"], input: #"{"x":"${steps.a.output.y}","z":"${input}"}"#),
            ]))
        #expect(plan.steps[2].input?.stepIDs == ["a"])
        #expect(plan.steps[2].input?.usesInput == true)
        #expect(plan.steps[2].input?.whole == nil)
        #expect(plan.steps[0].dependents == [1])
    }

    @Test(arguments: [
        ("${input}", PayloadSource.input), ("\"${input}\"", .input),
        (" ${steps.a.output} ", .output(step: "a")), ("${steps.a.output.x}", nil),
        ("[\"${input}\"]", nil),
    ])
    func `a template that is one whole source says so`(text: String, whole: PayloadSource?) throws {
        let template = try InputTemplate.parse(text).get()
        #expect(template.whole == whole)
    }

    @Test func `a template holds at most a thousand references, repeats counted`() throws {
        let text = { (count: Int) in
            "[" + repeatElement("\"${input}\"", count: count).joined(separator: ",") + "]"
        }
        #expect(throws: Never.self) { try InputTemplate.parse(text(1_000)).get() }
        let faults = Self.faults(Self.definition([Self.step("a", input: text(1_001))]))
        #expect(faults.map(\.field) == ["steps[0].input"])
        #expect(faults[0].description.contains("1001 references"))
    }

    @Test func `after a hundred faults the others are only counted`() {
        let steps = (0..<150).map { Self.step("s\($0)", ["nowhere"]) }
        let faults = Self.faults(Self.definition(steps))
        #expect(faults.count == 101)
        #expect(faults.last?.description.contains("50 more faults") == true)
    }

    @Test func `more dependencies than steps are refused unread`() {
        let many = [String](repeating: "nowhere", count: 1_000_000)
        let faults = Self.faults(Self.definition([Self.step("a", many), Self.step("b")]))
        #expect(faults.map(\.field) == ["steps[0].depends_on"])
        #expect(faults[0].description.contains("names 1000000 steps"))
    }

    @Test func `every step may depend on all before it and refer to them`() throws {
        let steps = (0..<500).map { number in
            Self.step(
                "s\(number)", (0..<number).map { "s\($0)" },
                input: number == 0 ? nil : "${steps.s\(number / 2).output}")
        }
        #expect(try WorkflowPlan(Self.definition(steps)).steps[499].dependencies.count == 499)
        var wrong = steps
        wrong[3].inputTemplate = "${steps.s200.output}"
        #expect(Self.faults(Self.definition(wrong)).map(\.field) == ["steps[3].input"])
    }

    @Test func `times that nobody would look at are refused`() {
        let kinds: [StepKind] = [
            .wait(WaitSpec(millis: 1)), .approval(ApprovalSpec()), .publish(eventType: "e"),
            .child(ChildSpec(workflow: "w")),
        ]
        for kind in kinds {
            var step = StepDefinition(id: "s", agentType: "", operation: "")
            step.kind = kind
            step.scheduleToStartMillis = 1
            step.heartbeatMillis = 1
            step.scheduleToCloseMillis = 1
            var fields = [
                "schedule_to_start_millis", "heartbeat_millis", "schedule_to_close_millis",
            ]
            if case .child = kind { fields.removeLast() }
            #expect(
                Self.faults(Self.definition([step])).map(\.field) == fields.map { "steps[0].\($0)" }
            )
        }
    }

    @Test func `what an earlier build took still runs, though this one would refuse it`() throws {
        var old = Self.definition(
            [Self.step("a"), Self.step("b", input: "${steps.a.output}")],
            version: String(repeating: "v", count: 300), timeout: -1)
        old.steps[0].retry.maxAttempts = 5_000
        old.steps[0].agentType = ""
        #expect(
            Self.faults(old).map(\.field) == [
                "version", "run_timeout_millis", "steps[0].agent_type",
                "steps[0].retry.max_attempts", "steps[1].input",
            ])
        #expect(try WorkflowPlan(stored: old).steps.count == 2)
    }

    @Test func `what no run could go on with is refused also when it is stored`() {
        let broken = [
            Self.definition([]),
            Self.definition([Self.step("a", ["b"]), Self.step("b", ["a"])]),
            Self.definition([Self.step("a", ["nowhere"])]),
            Self.definition([Self.step("a", input: "${steps.nowhere.output}")]),
            Self.definition([Self.step("a", input: "${")]),
        ]
        for definition in broken {
            #expect(throws: DefinitionFaults.self) { try WorkflowPlan(stored: definition) }
        }
    }

    @Test func `five hundred steps in a chain are fine`() throws {
        let steps = (0..<500).map { Self.step("s\($0)", $0 == 0 ? [] : ["s\($0 - 1)"]) }
        #expect(try WorkflowPlan(Self.definition(steps)).steps.count == 500)
    }
}
