import JSON

/// Checks a definition and collects its faults, so that an author mends all in one go. The work
/// grows with the definition's length, whatever is wrong with it: definitions come from outside.
/// Fields are named as in a definition file; the API has two other names, which its service gives.
struct DefinitionValidation {
    /// The largest definition, steps; keeps a run's state row small enough to rewrite per batch.
    static let maxSteps = 500
    /// The longest name anywhere, bytes.
    static let maxNameBytes = 256
    /// The longest summary, bytes: it is one sentence, and every list of definitions carries it.
    static let maxSummaryBytes = 1_024
    /// The longest template, bytes.
    static let maxTemplateBytes = 65_536
    /// The longest timeout or wait: 366 days in milliseconds.
    static let maxMillis: Int64 = 366 * 86_400_000
    /// Event types that start a run of one definition.
    static let maxTriggers = 100
    /// Faults that are described; the others are only counted.
    static let maxFaults = 100

    /// What the checks found out on their way.
    struct Checked {
        var dependencies: [[Int]] = []
        var parts: [Parts] = []
        var result: InputTemplate?
        var inputContract: JSONSchema?
    }

    /// The parsed texts of one step.
    struct Parts {
        var input: InputTemplate?
        var fallback: InputTemplate?
        var compensation: InputTemplate?
        var condition: StepCondition?
        var until: StepCondition?
        var outputContract: JSONSchema?
    }

    let definition: WorkflowDefinition
    /// Whether an earlier build took it already: then only what runs could not go on with is a
    /// fault, not what this build would refuse to take.
    let isStored: Bool
    private(set) var faults: [FieldFault] = []
    private var faultsLeftOut = 0
    private var indices: [String: Int] = [:]

    init(_ definition: WorkflowDefinition, isStored: Bool) {
        self.definition = definition
        self.isStored = isStored
    }

    mutating func run() -> Checked {
        let checked = check()
        if faultsLeftOut > 0 {
            faults.append(
                FieldFault(
                    field: "definition",
                    description: "has \(faultsLeftOut) more faults; mend these first"))
        }
        return checked
    }

    private mutating func check() -> Checked {
        var checked = Checked()
        if !isStored { checkHead() }
        guard !definition.steps.isEmpty, isStored || definition.steps.count <= Self.maxSteps else {
            fault("steps", "has \(definition.steps.count) steps; give 1 to \(Self.maxSteps)")
            return checked
        }
        collectIDs()
        if !isStored {
            for index in definition.steps.indices { checkStep(index) }
        }
        checked.dependencies = definition.steps.indices.map { dependencies(of: $0) }
        let order = topologicalOrder(checked.dependencies)
        let ancestors = ancestors(checked.dependencies, order: order)
        checked.parts = definition.steps.indices.map { parts(of: $0, ancestors?[$0]) }
        checked.inputContract = contract(definition.inputSchema, "input_schema")
        checked.result = template(
            definition.resultTemplate, field: "result", reachable: nil, step: nil)
        return checked
    }

    private mutating func parts(of index: Int, _ ancestors: StepSet?) -> Parts {
        let step = definition.steps[index]
        var parts = Parts()
        parts.input = template(
            step.inputTemplate, field: "steps[\(index)].input", reachable: ancestors,
            step: step.id)
        parts.fallback = template(
            step.fallback?.inputTemplate, field: "steps[\(index)].fallback.input",
            reachable: ancestors, step: step.id)
        var undone = ancestors
        undone?.insert(index)
        parts.compensation = template(
            step.compensation?.inputTemplate, field: "steps[\(index)].compensation.input",
            reachable: undone, step: step.id)
        parts.condition = condition(step.when, "steps[\(index)].when", ancestors, step.id)
        if case .child(let spec) = step.kind, let loop = spec.loop {
            parts.until = condition(
                loop.until, "steps[\(index)].child.repeat.until", ancestors, step.id, own: step.id)
        }
        parts.outputContract = contract(step.outputSchema, "steps[\(index)].output_schema")
        return parts
    }

    mutating func fault(_ field: String, _ description: String) {
        if faults.count < Self.maxFaults {
            faults.append(FieldFault(field: field, description: description))
        } else {
            faultsLeftOut += 1
        }
    }

    private mutating func checkHead() {
        checkName(definition.name, "name")
        checkName(definition.version, "version")
        if definition.summary.utf8.count > Self.maxSummaryBytes {
            fault(
                "summary",
                "is \(definition.summary.utf8.count) bytes; at most \(Self.maxSummaryBytes)")
        }
        if let timeout = definition.runTimeoutMillis, !(1...Self.maxMillis).contains(timeout) {
            fault(
                "run_timeout_millis", "is \(timeout) ms; give 1 ms to 366 days, or leave it out")
        }
        if definition.triggers.count > Self.maxTriggers {
            fault("triggers", "has \(definition.triggers.count); give at most \(Self.maxTriggers)")
        }
        for (index, type) in definition.triggers.prefix(Self.maxTriggers).enumerated() {
            checkName(type, "triggers[\(index)]")
        }
    }

    mutating func checkName(_ name: String, _ field: String) {
        let bytes = name.utf8.count
        guard (1...Self.maxNameBytes).contains(bytes) else {
            fault(field, "has \(bytes) bytes; give 1 to \(Self.maxNameBytes)")
            return
        }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            fault(field, "holds a control character; use printable ones")
        }
    }

    private mutating func collectIDs() {
        for (index, step) in definition.steps.enumerated() {
            if let first = indices[step.id] {
                fault(
                    "steps[\(index)].id",
                    "\"\(step.id)\" is the id of steps[\(first)] already; ids must differ")
            } else {
                indices[step.id] = index
            }
        }
    }

    mutating func checkStepID(_ id: String, _ field: String) {
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2d: true
            default: false
            }
        }
        if !isPlain || !(1...Self.maxNameBytes).contains(id.utf8.count) {
            fault(field, "\"\(id.prefix(64))\" is no step id; give 1 to 256 of A-Z a-z 0-9 _ -")
        }
    }

    private mutating func dependencies(of index: Int) -> [Int] {
        let named = definition.steps[index].dependsOn
        guard isStored || named.count <= Self.maxSteps else {
            fault(
                "steps[\(index)].depends_on",
                "names \(named.count) steps; a definition has at most \(Self.maxSteps)")
            return []
        }
        var found: [Int] = []
        var known: Set<Int> = []
        for (position, id) in named.enumerated() {
            guard let dependency = indices[id] else {
                fault(
                    "steps[\(index)].depends_on[\(position)]",
                    "\"\(id.prefix(64))\" is no step of this definition")
                continue
            }
            if !isStored, case .continueAsNew = definition.steps[dependency].kind {
                fault(
                    "steps[\(index)].depends_on[\(position)]",
                    "\"\(id.prefix(64))\" ends the run: nothing can come after it")
            }
            if known.insert(dependency).inserted {
                found.append(dependency)
            } else {
                fault(
                    "steps[\(index)].depends_on[\(position)]",
                    "\"\(id.prefix(64))\" is named twice")
            }
        }
        return found
    }

    /// Steps in an order that respects dependencies (Kahn 1962); `nil` after naming the cycle.
    private mutating func topologicalOrder(_ dependencies: [[Int]]) -> [Int]? {
        var waiting = dependencies.map(\.count)
        var dependents = [[Int]](repeating: [], count: dependencies.count)
        for (index, list) in dependencies.enumerated() {
            for dependency in list { dependents[dependency].append(index) }
        }
        var order = waiting.indices.filter { waiting[$0] == 0 }
        var next = 0
        while next < order.count {
            for dependent in dependents[order[next]] {
                waiting[dependent] -= 1
                if waiting[dependent] == 0 { order.append(dependent) }
            }
            next += 1
        }
        if order.count == dependencies.count { return order }
        nameFaultsOfCycles(waiting: waiting, dependencies: dependencies)
        return nil
    }

    /// Follows dependencies among the steps that never became free until one repeats; the others
    /// of them that lie on no cycle can never be reached.
    private mutating func nameFaultsOfCycles(waiting: [Int], dependencies: [[Int]]) {
        var left = Set(waiting.indices.filter { waiting[$0] > 0 })
        var onCycle: Set<Int> = []
        for start in waiting.indices where left.contains(start) {
            var path: [Int] = []
            var places: [Int: Int] = [:]
            var current = start
            while places[current] == nil, left.contains(current) {
                places[current] = path.count
                path.append(current)
                guard let next = dependencies[current].first(where: { waiting[$0] > 0 }) else {
                    break
                }
                current = next
            }
            if let entry = places[current] {
                let cycle = Array(path[entry...])
                onCycle.formUnion(cycle)
                let names = (cycle + [cycle[0]]).map { definition.steps[$0].id }
                fault(
                    "steps[\(cycle[0])].depends_on",
                    "is part of the cycle \(names.joined(separator: " -> ")); "
                        + "take one dependency out")
            }
            left.subtract(path)
        }
        for index in waiting.indices where waiting[index] > 0 && !onCycle.contains(index) {
            fault(
                "steps[\(index)]",
                "\"\(definition.steps[index].id)\" can never run: it waits for a cycle")
        }
    }

    /// For each step the set of steps that have ended when it runs.
    private func ancestors(_ dependencies: [[Int]], order: [Int]?) -> [StepSet]? {
        guard let order else { return nil }
        let none = StepSet(steps: dependencies.count)
        var ancestors = [StepSet](repeating: none, count: dependencies.count)
        for index in order {
            var mine = none
            for dependency in dependencies[index] {
                mine.insert(dependency)
                mine.formUnion(ancestors[dependency])
            }
            ancestors[index] = mine
        }
        return ancestors
    }

    private mutating func template(
        _ text: String?, field: String, reachable: StepSet?, step: String?
    ) -> InputTemplate? {
        guard let text else { return nil }
        guard isStored || text.utf8.count <= Self.maxTemplateBytes else {
            fault(field, "has \(text.utf8.count) bytes; give at most \(Self.maxTemplateBytes)")
            return nil
        }
        switch InputTemplate.parse(text) {
        case .failure(let error):
            fault(field, error.message)
            return nil
        case .success(let template):
            for id in template.stepIDs { checkReference(id, field, reachable, step) }
            return template
        }
    }

    mutating func checkReference(
        _ id: String, _ field: String, _ reachable: StepSet?, _ step: String?
    ) {
        guard let target = indices[id] else {
            fault(field, "refers to \"\(id.prefix(64))\", which is no step of this definition")
            return
        }
        // Where it has not ended, its output is `null`.
        guard !isStored, let step, let reachable, !reachable.contains(target) else { return }
        fault(
            field,
            "refers to step \"\(id)\", which need not have ended when \"\(step)\" runs; "
                + "add it to depends_on")
    }
}

/// A set of steps of one definition, one bit each: 125,000 edges of 500 steps are united in the
/// time of a million words.
struct StepSet {
    private var words: [UInt64]

    init(steps: Int) { words = [UInt64](repeating: 0, count: (steps + 63) / 64) }

    func contains(_ step: Int) -> Bool { words[step / 64] >> UInt64(step % 64) & 1 == 1 }

    mutating func insert(_ step: Int) { words[step / 64] |= 1 << UInt64(step % 64) }

    mutating func formUnion(_ other: StepSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }
}
