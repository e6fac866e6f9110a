import JSON
import Messages
import Yams

/// A workflow definition written as YAML or JSON, with the names of the proto.
///
///     name: patience
///     version: "1"
///     steps:
///       - {id: rest, agent_type: echo, operation: wait, input: {millis: 10000}}
///       - {id: tell, agent_type: echo, operation: say, depends_on: [rest],
///          input: "${steps.rest.output}"}
///
/// `input` and `result` are the templates, as values. What the definition means is checked by the
/// server, which names every fault.
struct DefinitionFile {
    let definition: WorkflowDefinition

    /// Reads a file's text.
    ///
    /// - Throws: what is wrong and where; unknown keys are named with the known ones.
    init(_ text: String) throws(Failed) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, CoreSchema.resolver)
        } catch {
            throw Failed(content: "the definition is neither YAML nor JSON: \(error)")
        }
        guard let root else { throw Failed(content: "the definition is empty") }
        definition = try Self.definition(Fields(root, "the definition"))
    }

    /// What a field of the request is called in a file: `steps[0].input` for
    /// `definition.steps[0].input_template`.
    static func name(ofField path: String) -> String {
        var name = path.hasPrefix("definition.") ? String(path.dropFirst(11)) : path
        for leaf in ["input", "result"] where name.hasSuffix("\(leaf)_template") {
            name.removeLast("_template".count)
        }
        return name
    }

    private static func definition(_ fields: Fields) throws(Failed) -> WorkflowDefinition {
        try fields.know([
            "name", "version", "summary", "steps", "result", "run_timeout_millis", "triggers",
            "input_schema",
        ])
        var definition = WorkflowDefinition()
        definition.name = try fields.text("name")
        definition.version = try fields.text("version")
        definition.summary = try fields.text("summary")
        definition.resultTemplate = fields.template("result")
        definition.runTimeoutMillis = try fields.integer("run_timeout_millis")
        definition.inputSchema = fields.template("input_schema")
        definition.triggers = try fields.texts("triggers")
        for (index, node) in try fields.list("steps").enumerated() {
            definition.steps.append(try step(Fields(node, "steps[\(index)]")))
        }
        return definition
    }

    private static func step(_ fields: Fields) throws(Failed) -> StepDefinition {
        try fields.know([
            "id", "agent_type", "operation", "depends_on", "input", "optional",
            "start_to_close_millis", "retry", "wait", "approval", "publish", "child", "fan_out",
            "continue_as_new",
            "ballot",
            "schedule_to_start_millis", "schedule_to_close_millis", "heartbeat_millis",
            "on_exhausted", "fallback", "compensation", "priority", "concurrency", "rate",
            "when", "output_schema", "modes",
        ])
        var step = StepDefinition()
        step.id = try fields.text("id")
        step.agentType = try fields.text("agent_type")
        step.operation = try fields.text("operation")
        step.dependsOn = try fields.texts("depends_on")
        step.inputTemplate = fields.template("input")
        step.optional = try fields.flag("optional")
        step.startToCloseMillis = try fields.integer("start_to_close_millis")
        if let retry = fields["retry"] {
            step.retry = try Self.retry(Fields(retry, "\(fields.place).retry"))
        }
        step.kind = try kind(fields)
        try addOptions(&step, fields)
        return step
    }

    static func retry(_ fields: Fields) throws(Failed) -> RetryPolicy {
        try fields.know([
            "max_attempts", "initial_millis", "factor", "max_millis", "non_retryable_types",
        ])
        var retry = RetryPolicy()
        retry.maxAttempts = Int32(clamping: try fields.integer("max_attempts"))
        retry.initialMillis = try fields.integer("initial_millis")
        retry.factor = try fields.number("factor")
        retry.maxMillis = try fields.integer("max_millis")
        retry.nonRetryableTypes = try fields.texts("non_retryable_types")
        return retry
    }
}

extension JSONWriter {
    /// The JSON value of a YAML node, see ``CoreSchema``.
    mutating func yaml(_ node: Node) {
        switch node {
        case .mapping(let mapping):
            beginObject()
            for (name, value) in mapping {
                key(name.string ?? "")
                yaml(value)
            }
            endObject()
        case .sequence(let sequence):
            beginArray()
            for value in sequence { yaml(value) }
            endArray()
        case .scalar(let scalar): self.scalar(scalar, node.tag)
        case .alias: null()
        }
    }

    private mutating func scalar(_ scalar: Node.Scalar, _ tag: Tag) {
        switch CoreSchema.value(scalar.string, tag) {
        case .null: null()
        case .flag(let flag): bool(flag)
        case .number(let number): value(number)
        case .text(let text): string(text)
        }
    }
}
