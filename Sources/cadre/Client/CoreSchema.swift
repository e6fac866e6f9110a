import JSON
import Yams

/// What a scalar of a YAML file means: the core schema of YAML 1.2.2, section 10.3.2.
///
/// Plain `null` and `~`, `true` and `false`, and numbers are those; everything else is text, `yes`,
/// `on`, `12:30` and `1_000` too, which YAML 1.1 took for something else. Quoted scalars are text.
/// A number keeps its digits, however many. `0x` and `0o` are whole numbers up to 64 bits; longer ones
/// are text, since they are ids and addresses rather than numbers; and so are infinities and NaN,
/// which JSON does not have.
enum CoreSchema {
    /// Tells the types of plain scalars apart.
    static let resolver = Resolver.basic
        .appending(rule(.null, #"^(?:~|null|Null|NULL|)$"#))
        .appending(rule(.bool, #"^(?:true|True|TRUE|false|False|FALSE)$"#))
        .appending(rule(.int, #"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"#))
        .appending(rule(.float, #"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"#))

    /// A scalar's value.
    enum Value {
        case null
        case flag(Bool)
        /// A JSON number.
        case number(JSONView)
        case text(String)
    }

    /// The value of a scalar that was read with ``resolver``.
    static func value(_ text: String, _ tag: Tag) -> Value {
        switch Tag.Name(rawValue: tag.rawValue) {
        case .null: .null
        case .bool: .flag(text.lowercased() == "true")
        case .int, .float: number(text).map(Value.number) ?? .text(text)
        default: .text(text)
        }
    }

    /// A whole number of a field, in any of the forms above; also one in quotes.
    static func integer(_ node: Node) -> Int64? {
        node.scalar.flatMap { number($0.string)?.int64 }
    }

    /// A number of a field.
    static func double(_ node: Node) -> Double? {
        node.scalar.flatMap { number($0.string)?.double }
    }

    /// `true` or `false` of a field.
    static func flag(_ node: Node) -> Bool? {
        guard let scalar = node.scalar, case .flag(let flag) = value(scalar.string, node.tag) else {
            return nil
        }
        return flag
    }

    /// The number in JSON's notation, which knows no plus sign, no zeros in front, no point without
    /// digits on both sides and no other base; `nil` when the text is no number or is too long.
    private static func number(_ text: String) -> JSONView? {
        guard [.int, .float].contains(resolver.resolveTag(of: Node(text))) else { return nil }
        var rest = text[...]
        if let whole = based(rest) { return json("\(whole)") }
        let sign = rest.first == "-" ? "-" : ""
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        let whole = rest.prefix { $0 != "." && $0 != "e" && $0 != "E" }.drop { $0 == "0" }
        rest = rest.drop { $0 != "." && $0 != "e" && $0 != "E" }
        let fraction = rest.prefix { $0 != "e" && $0 != "E" }
        rest = rest.drop { $0 != "e" && $0 != "E" }
        return json(
            sign + (whole.isEmpty ? "0" : whole) + (fraction == "." ? "" : fraction) + rest)
    }

    private static func based(_ text: Substring) -> UInt64? {
        let radix = text.hasPrefix("0x") ? 16 : text.hasPrefix("0o") ? 8 : 0
        return radix == 0 ? nil : UInt64(text.dropFirst(2), radix: radix)
    }

    private static func json(_ text: String) -> JSONView? {
        let root = try? JSONDocument(parsing: Array(text.utf8)).root
        return root?.kind == .number ? root : nil
    }

    private static func rule(_ tag: Tag.Name, _ pattern: String) -> Resolver.Rule {
        do { return try Resolver.Rule(tag, pattern) } catch {
            preconditionFailure("the pattern \(pattern) is a constant and right: \(error)")
        }
    }
}
