/// Makes a schema's nodes and finds everything that is wrong with it.
///
/// Recursion is bounded by the depth limit the schema's document was checked with.
struct SchemaCompiler {
    private let root: JSONView
    var nodes: [SchemaNode] = []
    private(set) var faults: [JSONFault] = []
    var place = PointerSteps()
    /// By the bytes of the name, escapes resolved.
    var definitions: [ArraySlice<UInt8>: Int] = [:]
    /// References to be resolved when all definitions are known.
    var references: [SchemaReference] = []

    init(_ root: JSONView) { self.root = root }

    mutating func compile() throws(JSONSchemaError) -> [SchemaNode] {
        if let dialect = root["$schema"], dialect.string != Self.dialect {
            fault("$schema", "is not \"\(Self.dialect)\", the only one known here")
        }
        _ = schema(root)
        resolveReferences()
        if faults.isEmpty { refuseCircles() }
        if !faults.isEmpty { throw JSONSchemaError(faults: faults) }
        return nodes
    }

    private static let dialect = "https://json-schema.org/draft/2020-12/schema"

    // MARK: Faults

    mutating func fault(_ message: String) { fault(at: place.text, message) }

    mutating func fault(at pointer: String, _ message: String) {
        guard faults.count < JSONSchema.maxFaults else { return }
        faults.append(JSONFault(pointer: pointer, message: message))
    }

    private mutating func fault(_ keyword: String, _ message: String) {
        place.push(keyword)
        fault(message)
        place.pop()
    }

    // MARK: Schemas

    /// The place of the compiled schema; of a bad one too, so that its faults are found with it.
    mutating func schema(_ view: JSONView) -> Int {
        let index = nodes.count
        guard index < JSONSchema.maxSubschemas else {
            if index == JSONSchema.maxSubschemas {
                fault("is one schema too many: at most \(JSONSchema.maxSubschemas)")
                nodes.append(SchemaNode())
            }
            return 0
        }
        nodes.append(SchemaNode())
        var node = SchemaNode()
        switch view.kind {
        case .bool: node.verdict = view.bool
        case .object:
            for member in view.members { keyword(member.name, member.value, of: index, &node) }
            branch(view, &node)
        default: fault("must be a schema: an object, true or false, not \(view.kind.phrase)")
        }
        nodes[index] = node
        return index
    }

    private mutating func keyword(
        _ name: String, _ value: JSONView, of index: Int, _ node: inout SchemaNode
    ) {
        place.push(name)
        defer { place.pop() }
        if assertion(name, value, &node) || applicator(name, value, &node) { return }
        switch name {
        case "$ref": reference(value, of: index)
        case "$defs": definitions(value, of: index)
        case "if", "then", "else", "$schema": break
        case "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
            "$comment":
            break
        default: fault(Self.hint(of: name))
        }
    }

    private static func hint(of keyword: String) -> String {
        switch keyword {
        case "pattern", "patternProperties":
            "regular expressions are not supported here; use enum, or check in the agent"
        case "format": "formats are not checked here; remove it, or check in the agent"
        case "definitions": "is called $defs since draft 2019-09"
        case "additionalItems": "is called items since draft 2020-12, and items prefixItems"
        default: "this keyword is not supported; see the subset in the documentation"
        }
    }

    /// Keywords that check the value itself.
    private mutating func assertion(
        _ name: String, _ value: JSONView, _ node: inout SchemaNode
    ) -> Bool {
        switch name {
        case "type": node.types = types(value)
        case "enum": choices(value.kind == .array ? Array(value.elements) : nil, &node)
        case "const": choices([value], &node)
        case "minimum": node.minimum = bound(value)
        case "maximum": node.maximum = bound(value)
        case "exclusiveMinimum": node.exclusiveMinimum = bound(value)
        case "exclusiveMaximum": node.exclusiveMaximum = bound(value)
        case "minLength": node.lengths.min = size(value)
        case "maxLength": node.lengths.max = size(value)
        case "minItems": node.items.min = size(value)
        case "maxItems": node.items.max = size(value)
        case "minProperties": node.members.min = size(value)
        case "maxProperties": node.members.max = size(value)
        case "uniqueItems":
            if value.bool == nil { fault("must be true or false") }
            node.hasUniqueItems = value.bool ?? false
        case "required": required(value, &node)
        default: return false
        }
        return true
    }

    /// Keywords that hold schemas.
    private mutating func applicator(
        _ name: String, _ value: JSONView, _ node: inout SchemaNode
    ) -> Bool {
        switch name {
        case "prefixItems": node.prefixItems = schemas(value)
        case "items": node.restItems = schema(value)
        case "properties": properties(value, &node)
        case "additionalProperties": node.additional = schema(value)
        case "allOf": node.allOf = schemas(value)
        case "anyOf": node.anyOf = schemas(value)
        case "oneOf": node.oneOf = schemas(value)
        case "not": node.not = schema(value)
        default: return false
        }
        return true
    }

    // MARK: Parts

    private mutating func types(_ value: JSONView) -> SchemaNode.Types {
        let names = value.kind == .array ? Array(value.elements) : [value]
        var types: SchemaNode.Types = []
        for name in names {
            guard let known = SchemaNode.Types.names.first(where: { $0.0 == name.string }) else {
                let all = SchemaNode.Types.names.map(\.0).joined(separator: ", ")
                fault("must be one or a list of \(all)")
                continue
            }
            types.insert(known.1)
        }
        if names.isEmpty { fault("must name at least one type") }
        return types
    }

    private mutating func choices(_ values: [JSONView]?, _ node: inout SchemaNode) {
        guard let values, !values.isEmpty else {
            fault("must be a list of at least one value")
            return
        }
        let shown = values.prefix(5).map { value in
            value.rawBytes.count > 40
                ? String(decoding: value.rawBytes.prefix(40), as: UTF8.self) + "…" : value.rawText
        }
        let texts = Set(values.map(\.canonicalBytes))
        node.choices.append(
            SchemaNode.Choices(
                texts: texts, maxBytes: texts.map(\.count).max() ?? 0,
                shown: (values.count > 1 ? "one of " : "") + shown.joined(separator: ", ")
                    + (values.count > 5 ? ", …" : "")))
    }

    private mutating func bound(_ value: JSONView) -> SchemaNode.Bound? {
        guard let text = value.numberText, text.utf8.count <= 400 else {
            fault("must be a number of at most 400 characters")
            return nil
        }
        return SchemaNode.Bound(number: DecimalText(text.utf8), text: text)
    }

    private mutating func size(_ value: JSONView) -> Int? {
        guard let size = value.int64, size >= 0 else {
            fault("must be an integer, at least 0")
            return nil
        }
        return Int(size)
    }

    private mutating func required(_ value: JSONView, _ node: inout SchemaNode) {
        let names = value.elements.compactMap(\.string)
        guard value.kind == .array, names.count == value.count else {
            fault("must be a list of member names")
            return
        }
        for name in names {
            let key = name.nameBytes
            if node.names[key]?.required != nil { continue }
            node.names[key, default: SchemaNode.Member()].required = node.required.count
            node.required.append(name)
        }
    }

    private mutating func properties(_ value: JSONView, _ node: inout SchemaNode) {
        guard value.kind == .object else {
            fault("must be an object of schemas")
            return
        }
        for member in value.members {
            place.push(member.name)
            let key = member.nameBytes
            node.names[key, default: SchemaNode.Member()].schema = schema(member.value)
            place.pop()
        }
    }

    private mutating func schemas(_ value: JSONView) -> [Int] {
        guard value.kind == .array, value.count > 0 else {
            fault("must be a list of at least one schema")
            return []
        }
        var schemas: [Int] = []
        for (index, element) in value.elements.enumerated() {
            place.push(index)
            schemas.append(schema(element))
            place.pop()
        }
        return schemas
    }

    /// `then` and `else` without `if` mean nothing, as the specification says, but are checked.
    private mutating func branch(_ view: JSONView, _ node: inout SchemaNode) {
        let parts = ["if", "then", "else"].map { name -> Int? in
            guard let value = view[name] else { return nil }
            place.push(name)
            defer { place.pop() }
            return schema(value)
        }
        guard let condition = parts[0] else { return }
        node.branch = SchemaNode.Branch(condition: condition, yes: parts[1], no: parts[2])
    }
}
