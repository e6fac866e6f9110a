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
            root = try Yams.compose(yaml: text)
        } catch {
            throw Failed("the definition is neither YAML nor JSON: \(error)")
        }
        guard let root else { throw Failed("the definition is empty") }
        definition = try Self.definition(Fields(root, "the definition"))
    }

    private static func definition(_ fields: Fields) throws(Failed) -> WorkflowDefinition {
        try fields.know([
            "name", "version", "summary", "steps", "result", "run_timeout_millis",
        ])
        var definition = WorkflowDefinition()
        definition.name = try fields.text("name")
        definition.version = try fields.text("version")
        definition.summary = try fields.text("summary")
        definition.resultTemplate = fields.template("result")
        definition.runTimeoutMillis = try fields.integer("run_timeout_millis")
        for (index, node) in try fields.list("steps").enumerated() {
            definition.steps.append(try step(Fields(node, "steps[\(index)]")))
        }
        return definition
    }

    private static func step(_ fields: Fields) throws(Failed) -> StepDefinition {
        try fields.know([
            "id", "agent_type", "operation", "depends_on", "input", "optional",
            "start_to_close_millis", "retry",
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
        return step
    }

    private static func retry(_ fields: Fields) throws(Failed) -> RetryPolicy {
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

/// A YAML mapping read field by field; what is absent has the proto's default.
private struct Fields {
    let place: String
    private let mapping: Node.Mapping

    init(_ node: Node, _ place: String) throws(Failed) {
        guard let mapping = node.mapping else {
            throw Failed("\(place) must be a mapping of names to values")
        }
        self.mapping = mapping
        self.place = place
    }

    subscript(name: String) -> Node? { mapping[Node(name)] }

    /// Refuses keys that are not among `names`.
    func know(_ names: [String]) throws(Failed) {
        for key in mapping.keys where !names.contains(key.string ?? "") {
            throw Failed(
                "\(place) has no field \(key.string ?? "of this kind"); it has "
                    + names.joined(separator: ", "))
        }
    }

    func text(_ name: String) throws(Failed) -> String {
        guard let node = self[name] else { return "" }
        guard let scalar = node.scalar else { throw wrong(name, "a text") }
        return scalar.string
    }

    func texts(_ name: String) throws(Failed) -> [String] {
        var texts: [String] = []
        for node in try list(name) {
            guard let scalar = node.scalar else { throw wrong(name, "a list of texts") }
            texts.append(scalar.string)
        }
        return texts
    }

    func list(_ name: String) throws(Failed) -> [Node] {
        guard let node = self[name] else { return [] }
        guard let sequence = node.sequence else { throw wrong(name, "a list") }
        return Array(sequence)
    }

    func integer(_ name: String) throws(Failed) -> Int64 {
        guard let node = self[name] else { return 0 }
        guard let value = node.int else { throw wrong(name, "a whole number") }
        return Int64(value)
    }

    func number(_ name: String) throws(Failed) -> Double {
        guard let node = self[name] else { return 0 }
        guard let value = node.float else { throw wrong(name, "a number") }
        return value
    }

    func flag(_ name: String) throws(Failed) -> Bool {
        guard let node = self[name] else { return false }
        guard let value = node.bool else { throw wrong(name, "true or false") }
        return value
    }

    /// A value as a JSON template; empty when absent.
    func template(_ name: String) -> String {
        guard let node = self[name] else { return "" }
        var writer = JSONWriter()
        writer.yaml(node)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private func wrong(_ name: String, _ expected: String) -> Failed {
        Failed("\(place).\(name) must be \(expected)")
    }
}

extension JSONWriter {
    /// The JSON value of a YAML node: plain scalars by YAML's core schema, quoted ones as text.
    fileprivate mutating func yaml(_ node: Node) {
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
        case .scalar(let scalar): scalar.style == .plain ? plain(node) : string(scalar.string)
        case .alias: null()
        }
    }

    private mutating func plain(_ node: Node) {
        if let whole = node.int {
            integer(whole)
        } else if let flag = node.bool {
            bool(flag)
        } else if let number = node.float, number.isFinite {
            double(number)
        } else if node.null != nil {
            null()
        } else {
            string(node.string ?? "")
        }
    }
}
