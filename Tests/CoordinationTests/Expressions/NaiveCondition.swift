import Coordination
import JSON

/// A condition made at random, its text with needless parentheses, blanks and letter cases, and
/// what it comes to by the words of the documentation alone.
struct NaiveCondition {
    indirect enum Form {
        case all([NaiveCondition])
        case any([NaiveCondition])
        case not(NaiveCondition)
        case compare(Item, String, Item)
        case isIn(Item, [Item], negated: Bool)
        case between(Item, Item, Item, negated: Bool)
        case startsWith(Item, Item, negated: Bool)
        case exists(Item)
        case truth(Item)
    }

    /// A path or literal: its text, and its JSON value (`nil` for a path that leads nowhere).
    struct Item {
        let text: String
        let value: Scalar?
        let isNullLiteral: Bool
    }

    enum Scalar: Equatable {
        case null, bool(Bool), number(Double), text([UInt8]), other
    }

    let form: Form

    // MARK: Value

    var value: Bool? {
        switch form {
        case .all(let parts):
            let values = parts.map(\.value)
            return values.contains(false) ? false : (values.contains(nil) ? nil : true)
        case .any(let parts):
            let values = parts.map(\.value)
            return values.contains(true) ? true : (values.contains(nil) ? nil : false)
        case .not(let part): return part.value.map { !$0 }
        case .compare(let left, let sign, let right): return Self.compare(left, sign, right)
        case .isIn(let item, let choices, let negated):
            let values = choices.map { Self.compare(item, "=", $0) }
            let value = values.contains(true) ? true : (values.contains(nil) ? nil : false)
            return negated ? value.map { !$0 } : value
        case .between(let item, let low, let high, let negated):
            let values = [Self.compare(item, ">=", low), Self.compare(item, "<=", high)]
            let value = values.contains(false) ? false : (values.contains(nil) ? nil : true)
            return negated ? value.map { !$0 } : value
        case .startsWith(let item, let prefix, let negated):
            guard case .text(let bytes) = item.value, case .text(let start) = prefix.value else {
                return nil
            }
            return Array(bytes.prefix(start.count)) == start ? !negated : negated
        case .exists(let item): return item.value != nil && item.value != .null
        case .truth(let item):
            if case .bool(let value) = item.value { return value }
            return nil
        }
    }

    private static func compare(_ left: Item, _ sign: String, _ right: Item) -> Bool? {
        let a = left.value ?? .null
        let b = right.value ?? .null
        if left.isNullLiteral || right.isNullLiteral {
            return sign == "=" ? a == b && a == .null : (sign == "!=" ? !(a == b) : nil)
        }
        if a == .null || b == .null || (a == .other && b == .other) { return nil }
        let order: Int
        switch (a, b) {
        case (.bool(let a), .bool(let b)): order = (a ? 1 : 0) - (b ? 1 : 0)
        case (.number(let a), .number(let b)): order = a < b ? -1 : (a == b ? 0 : 1)
        case (.text(let a), .text(let b)):
            order = a == b ? 0 : (a.lexicographicallyPrecedes(b) ? -1 : 1)
        default: return sign == "=" ? false : (sign == "!=" ? true : nil)
        }
        switch sign {
        case "=": return order == 0
        case "!=": return order != 0
        case "<": return order < 0
        case "<=": return order <= 0
        case ">": return order > 0
        default: return order >= 0
        }
    }
}

/// Makes conditions over one JSON value, all from a seed.
struct RandomCondition {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    /// What the paths lead to, as JSON and as a naive value.
    static let world = """
        {"s": "abc", "t": "abd", "e": "", "u": "é", "n": 3, "m": -2.5, "z": 0, "big": 1e300,
         "yes": true, "no": false, "nil": null, "list": [1, "x", null], "in": "word",
         "deep": {"a-b": {"c d": 7, "0": "zero"}}}
        """
    private static let places: [(String, NaiveCondition.Scalar?)] = [
        ("x.s", .text(Array("abc".utf8))), ("x.t", .text(Array("abd".utf8))), ("x.e", .text([])),
        ("x[\"u\"]", .text(Array("é".utf8))), ("x.n", .number(3)), ("x.m", .number(-2.5)),
        ("x.z", .number(0)), ("x.big", .number(1e300)), ("x.yes", .bool(true)),
        ("x.no", .bool(false)), ("x.nil", .null), ("x.list", .other), ("x.list[0]", .number(1)),
        ("x.list[1]", .text(Array("x".utf8))), ("x.list[2]", .null), ("x.list[3]", nil),
        ("x.in", .text(Array("word".utf8))), ("x.deep", .other),
        ("x.deep.a-b['c d']", .number(7)), ("x.deep.a-b.0", .text(Array("zero".utf8))),
        ("x.missing", nil), ("x.s.y", nil), ("y", nil), ("[\"x\"].n", .number(3)),
    ]
    private static let literals: [(String, NaiveCondition.Scalar)] = [
        ("\"abc\"", .text(Array("abc".utf8))), ("'ab'", .text(Array("ab".utf8))),
        ("''", .text([])), ("\"\\u00e9\"", .text(Array("é".utf8))), ("'\\''", .text([0x27])),
        ("3", .number(3)), ("3.0", .number(3)), ("-2.5", .number(-2.5)), ("0", .number(0)),
        ("-0", .number(0)), ("1e300", .number(1e300)), ("9007199254740993", .number(0x1p53)),
        ("true", .bool(true)), ("FALSE", .bool(false)), ("null", .null), ("Null", .null),
    ]

    mutating func condition(depth: Int = 0) -> (NaiveCondition, String) {
        let (form, text) = parts(depth: depth)
        return (NaiveCondition(form: form), text)
    }

    private mutating func parts(depth: Int) -> (NaiveCondition.Form, String) {
        switch below(depth > 4 ? 6 : 10) {
        case 0, 1:
            let sign = ["=", "!=", "<", "<=", ">", ">="][below(6)]
            let (left, right) = (item(), item())
            return (.compare(left, sign, right), left.text + space() + sign + space() + right.text)
        case 2:
            let (left, choices) = (item(), (0...below(4)).map { _ in item() })
            let negated = below(2) == 0
            let list = choices.map(\.text).joined(separator: "," + space())
            return (
                .isIn(left, choices, negated: negated),
                left.text + not(negated) + " in" + space() + "(" + list + ")"
            )
        case 3:
            let (left, low, high, negated) = (item(), item(), item(), below(2) == 0)
            let bounds = " BETWEEN \(low.text) AND \(high.text)"
            return (
                .between(left, low, high, negated: negated), left.text + not(negated) + bounds
            )
        case 4:
            let (left, prefix, negated) = (item(), item(), below(2) == 0)
            return (
                .startsWith(left, prefix, negated: negated),
                left.text + not(negated) + " Starts_With " + prefix.text
            )
        case 5: return single()
        case 6: return negation(depth: depth)
        default: return list(depth: depth)
        }
    }

    private mutating func single() -> (NaiveCondition.Form, String) {
        let place = placed()
        if below(2) == 0 { return (.truth(place), place.text) }
        return (.exists(place), below(2) == 0 ? "exists(\(place.text))" : "EXISTS \(place.text)")
    }

    private mutating func negation(depth: Int) -> (NaiveCondition.Form, String) {
        let (part, text) = condition(depth: depth + 1)
        switch part.form {
        case .all, .any: return (.not(part), "NOT (\(text))")
        default: return (.not(part), "not " + text)
        }
    }

    private mutating func list(depth: Int) -> (NaiveCondition.Form, String) {
        let isAll = below(2) == 0
        let parts = (0...1 + below(2)).map { _ in condition(depth: depth + 1) }
        let texts = parts.map { part, text in
            if case .any = part.form, isAll { return "(\(text))" }
            return below(3) == 0 ? "( \(text) )" : text
        }
        let word = below(2) == 0 ? (isAll ? " AND " : " OR ") : (isAll ? " and " : "\nor\t")
        let conditions = parts.map(\.0)
        return (isAll ? .all(conditions) : .any(conditions), texts.joined(separator: word))
    }

    private mutating func item() -> NaiveCondition.Item {
        if below(2) == 0 { return placed() }
        let (text, value) = Self.literals[below(Self.literals.count)]
        return NaiveCondition.Item(text: text, value: value, isNullLiteral: value == .null)
    }

    private mutating func placed() -> NaiveCondition.Item {
        let (text, value) = Self.places[below(Self.places.count)]
        return NaiveCondition.Item(text: text, value: value, isNullLiteral: false)
    }

    private func not(_ negated: Bool) -> String { negated ? " NOT" : "" }

    private mutating func space() -> String { ["", " ", "  ", "\n"][below(4)] }
}
