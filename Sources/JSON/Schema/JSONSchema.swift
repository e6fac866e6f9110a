/// A contract of JSON values: a named subset of JSON Schema 2020-12, compiled once.
///
/// Keywords that are checked:
/// - any value: `type`, `enum`, `const`
/// - numbers: `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`
/// - strings: `minLength`, `maxLength`, in Unicode scalars
/// - arrays: `prefixItems`, `items`, `minItems`, `maxItems`, `uniqueItems`
/// - objects: `properties`, `required`, `additionalProperties`, `minProperties`, `maxProperties`
/// - together: `allOf`, `anyOf`, `oneOf`, `not`, `if` with `then` and `else`
/// - `$defs` at the root, and `$ref` to `#` or `#/$defs/NAME`, also round in circles that go into
///   the value
///
/// `title`, `description`, `default`, `examples`, `deprecated`, `readOnly`, `writeOnly`, `$comment`
/// and `$schema` (of 2020-12) mean nothing for validity and are passed over. Every other keyword is
/// refused by name, `pattern` and `format` among them: a contract that looks checked is.
///
/// Numbers are compared by their exact value, `1` equals `1.0`. A member name that stands more than
/// once counts each time. Immutable; any thread may check with it.
public struct JSONSchema: Sendable {
    let nodes: [SchemaNode]

    /// How many schemas it has in it, itself included; 1 or more.
    public var subschemaCount: Int { nodes.count }

    /// The most schemas inside one, `true` and `false` included.
    public static let maxSubschemas = 2_000
    /// The most faults that are reported of one schema or value; the rest is not looked for.
    public static let maxFaults = 50

    /// Compiles a schema.
    ///
    /// - Throws: ``JSONSchemaError`` with everything that is wrong, each with a JSON pointer into
    ///   the schema.
    public init(_ view: JSONView) throws(JSONSchemaError) {
        var compiler = SchemaCompiler(view)
        nodes = try compiler.compile()
    }

    /// Parses and compiles a schema; a text that is no JSON is one fault at the root.
    public init(parsing bytes: [UInt8]) throws(JSONSchemaError) {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(parsing: bytes)
        } catch {
            throw JSONSchemaError(faults: [JSONFault(pointer: "", message: error.description)])
        }
        try self.init(document.root)
    }

    /// What is wrong with a value, in the order of its text; empty when it fits.
    ///
    /// - Parameter maxWork: about how many values, members, required names, 8-byte pieces of text
    ///   that is looked at and 4-byte pieces of text that is compared the value may take before
    ///   it is refused for that; 5 million unless set, well under a second.
    public func faults(of view: JSONView, maxWork: Int = 5_000_000) -> [JSONFault] {
        var check = SchemaCheck(self, maxWork: maxWork)
        _ = check.check(view, against: 0)
        return check.faults
    }
}

/// One thing wrong in a JSON value, or in a schema.
public struct JSONFault: Sendable, Hashable, CustomStringConvertible {
    /// Where, as a JSON pointer (RFC 6901): `/items/3/price`; empty for the whole.
    public let pointer: String
    /// What is wrong and what would be right.
    public let message: String

    /// Place and message in one sentence.
    public var description: String { pointer.isEmpty ? message : "\(pointer): \(message)" }
}

/// Why a schema was refused.
public struct JSONSchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Everything wrong with it, at most ``JSONSchema/maxFaults``.
    public let faults: [JSONFault]

    /// All faults in one line.
    public var description: String { faults.map(\.description).joined(separator: "; ") }
}

/// A way into a JSON value that becomes a JSON pointer when it is needed.
struct PointerSteps {
    private var steps: [JSONPathExpression.Step] = []

    mutating func push(_ name: String) { steps.append(.name(name)) }
    mutating func push(_ index: Int) { steps.append(.index(index)) }
    mutating func pop() { steps.removeLast() }

    /// RFC 6901: `~` and `/` in names are written `~0` and `~1`.
    var text: String {
        var text = ""
        for step in steps {
            text += "/"
            switch step {
            case .index(let index): text += String(index)
            case .name(let name):
                for scalar in name.unicodeScalars {
                    switch scalar {
                    case "~": text += "~0"
                    case "/": text += "~1"
                    default: text.unicodeScalars.append(scalar)
                    }
                }
            }
        }
        return text
    }
}
