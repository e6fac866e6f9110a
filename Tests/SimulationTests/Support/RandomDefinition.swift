import Coordination

/// Definitions of one to six steps with chance dependencies, templates, retries and optionality.
enum RandomDefinition {
    static func make(_ number: Int, _ random: inout SeededRandom) -> WorkflowDefinition {
        let count = random.int(1...6)
        var steps: [StepDefinition] = []
        for index in 0..<count {
            var dependencies: [String] = []
            for earlier in 0..<index where random.chance(0.5) {
                dependencies.append("s\(earlier)")
            }
            steps.append(
                StepDefinition(
                    id: "s\(index)", agentType: "t\(random.int(0...1))", operation: "work",
                    dependsOn: dependencies, inputTemplate: template(dependencies, &random),
                    isRequired: random.chance(0.7), startToCloseMillis: 400,
                    retry: RetryPolicy(
                        maxAttempts: random.int(1...4), initialMillis: 20, factor: 2,
                        maxMillis: 200)))
        }
        return WorkflowDefinition(
            name: "d\(number)", version: "1", steps: steps,
            resultTemplate: random.chance(0.5) ? "${steps.s\(count - 1).output}" : nil,
            runTimeoutMillis: random.chance(0.3) ? 3_000 : nil)
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
