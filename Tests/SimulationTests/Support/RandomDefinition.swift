import Coordination

/// Definitions of one to six steps of chance kinds, with chance dependencies, templates, retries,
/// stand-ins and optionality.
enum RandomDefinition {
    /// What `child` steps start; it needs nobody's help to end.
    static let child: WorkflowDefinition = {
        var rest = StepDefinition(id: "rest", agentType: "", operation: "", dependsOn: ["work"])
        rest.kind = .wait(WaitSpec(millis: 30))
        let work = StepDefinition(
            id: "work", agentType: "t0", operation: "work", startToCloseMillis: 400,
            retry: RetryPolicy(maxAttempts: 2, initialMillis: 20, maxMillis: 200))
        var child = WorkflowDefinition(name: "child", version: "1", steps: [work, rest])
        child.inputSchema = #"{"type":"object","properties":{"child":{"maximum":9}}}"#
        return child
    }()

    static func make(_ number: Int, _ random: inout SeededRandom) -> WorkflowDefinition {
        let count = random.int(1...6)
        var steps: [StepDefinition] = []
        for index in 0..<count {
            var dependencies: [String] = []
            for earlier in 0..<index where random.chance(0.5) {
                dependencies.append("s\(earlier)")
            }
            var step = StepDefinition(
                id: "s\(index)", agentType: "t\(random.int(0...1))", operation: "work",
                dependsOn: dependencies, inputTemplate: template(dependencies, &random),
                isRequired: random.chance(0.7), startToCloseMillis: 400,
                retry: RetryPolicy(
                    maxAttempts: random.int(1...4), initialMillis: 20, factor: 2,
                    maxMillis: 200))
            addOptions(&step, &random)
            if random.chance(0.4) { changeKind(&step, &random) }
            addKeys(&step, &random)
            steps.append(step)
        }
        if random.chance(0.25) { steps.append(successor(steps, &random)) }
        return WorkflowDefinition(
            name: "d\(number)", version: "1", steps: steps,
            resultTemplate: random.chance(0.5) ? "${steps.s\(count - 1).output}" : nil,
            runTimeoutMillis: random.chance(0.3) ? 3_000 : nil)
    }

    /// Goes on as a run that needs nobody's help to end.
    private static func successor(
        _ steps: [StepDefinition], _ random: inout SeededRandom
    ) -> StepDefinition {
        var step = StepDefinition(
            id: "next", agentType: "", operation: "",
            dependsOn: random.chance(0.5) ? steps.prefix(1).map(\.id) : [],
            inputTemplate: #"{"child":"${input.n}"}"#, isRequired: random.chance(0.7))
        step.kind = .continueAsNew(ContinueSpec(workflow: "child"))
        if random.chance(0.3) { step.when = "input.n < \(random.int(0...12))" }
        return step
    }

    private static func addOptions(_ step: inout StepDefinition, _ random: inout SeededRandom) {
        let work = StepWork(
            agentType: "t\(random.int(0...1))", operation: "work", startToCloseMillis: 400,
            retry: RetryPolicy(maxAttempts: 2, initialMillis: 20, maxMillis: 200))
        if random.chance(0.2) { step.fallback = work }
        if random.chance(0.3) { step.compensation = work }
        if random.chance(0.2) { step.onExhausted = random.chance(0.5) ? .pause : .deadLetter }
        if random.chance(0.2) { step.scheduleToCloseMillis = Int64(random.int(100...2_000)) }
        if random.chance(0.2) { step.scheduleToStartMillis = Int64(random.int(50...1_000)) }
        step.priority = random.int(1...5)
        if random.chance(0.3) {
            let all = StepBehavior.allCases
            step.modes = ModeBehavior(
                degraded: all[random.int(0...4)], emergency: all[random.int(0...4)])
        }
        if random.chance(0.2) { step.when = "input.n < \(random.int(0...12))" }
        if random.chance(0.2) {
            step.outputSchema = random.chance(0.7) ? #"{"type":"object"}"# : #"{"type":"array"}"#
        }
    }

    /// Few keys, so that they are fought for, also between definitions.
    private static func addKeys(_ step: inout StepDefinition, _ random: inout SeededRandom) {
        if !step.kind.needsAgent { return }
        if random.chance(0.4) {
            step.concurrency = ConcurrencyKey(
                key: "k\(random.int(0...1))", limit: random.int(1...3))
        }
        if random.chance(0.2) {
            step.rate = RateKey(
                key: "k\(random.int(0...1))", limit: random.int(1...4),
                perMillis: Int64(random.int(10...200)))
        }
    }

    private static func changeKind(_ step: inout StepDefinition, _ random: inout SeededRandom) {
        let kind = random.int(0...5)
        step.outputSchema = nil
        if kind < 3 {
            step.modes = .run
        } else {
            step.modes = ModeBehavior(degraded: .hold, emergency: .skip)
        }
        if kind == 4 {
            step.kind = .fanOut(FanOutSpec(concurrency: random.int(1...3)))
            step.inputTemplate = random.chance(0.9) ? #"[1,"two",{"n":"${input.n}"},4]"# : "{}"
            step.fallback = nil
            return
        }
        step.agentType = ""
        step.operation = ""
        step.fallback = nil
        step.scheduleToStartMillis = nil
        if kind <= 3 { step.scheduleToCloseMillis = nil }
        switch kind {
        case 0: step.kind = .wait(WaitSpec(millis: Int64(random.int(1...300))))
        case 1: step.kind = .wait(WaitSpec(signal: "go", millis: Int64(random.int(0...2_000))))
        case 2:
            step.kind = .approval(
                ApprovalSpec(
                    millis: 200,
                    defaultDecision: [nil, .approve, .reject][random.int(0...2)]))
        case 3: step.kind = .publish(eventType: "event")
        default:
            let policies = ParentClosePolicy.allCases
            step.kind = .child(
                ChildSpec(
                    workflow: "child", onParentClose: policies[random.int(0...2)],
                    loop: random.chance(0.4)
                        ? ChildLoop(
                            until: random.chance(0.5) ? "input.n = 99" : "EXISTS output.work",
                            times: random.int(1...3)) : nil))
            step.inputTemplate = #"{"child":"${input.n}"}"#
            step.retry.maxAttempts = random.int(1...2)
        }
    }

    private static func template(
        _ dependencies: [String], _ random: inout SeededRandom
    ) -> String? {
        guard let one = dependencies.randomElement(using: &random) else {
            return random.chance(0.5) ? nil : #"{"n":"${input.n}"}"#
        }
        if random.chance(0.4) { return "${steps.\(one).output}" }
        let members = dependencies.map { "\"\($0)\":\"${steps.\($0).output}\"" }
        return "{\(members.joined(separator: ","))}"
    }
}
