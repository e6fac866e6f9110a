public import JSON

/// What a path of a condition leads to, or a literal stands for.
///
/// Values compare within one kind: numbers by their exact value, strings by their UTF-8 bytes,
/// `false` before `true`, timestamps by time. A string compared with a timestamp is read as
/// RFC 3339, since JSON has no timestamps.
public enum ConditionValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A finite number that is no 64-bit integer.
    case double(Double)
    case string(String)
    case timestamp(Timestamp)
    /// A list or an object: it differs from every scalar, and nothing else is known of it.
    case container

    /// A JSON value; integers beyond 64 bits become the nearest double, numbers beyond doubles
    /// the largest one.
    public init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .string: self = .string(view.string ?? "")
        case .array, .object: self = .container
        case .number:
            let text = view.rawText
            self =
                view.int64.map(ConditionValue.integer)
                ?? .double(
                    view.double
                        ?? (text.hasPrefix("-") ? -1 : 1) * Double.greatestFiniteMagnitude)
        }
    }

    /// How two values stand to one another.
    enum Relation {
        case less, equal, greater
        /// Values of different kinds: not equal, and neither comes first.
        case different
        /// One of them is null or not there, or both are containers.
        case unknown
    }

    func relation(to other: ConditionValue) -> Relation {
        switch (self, other) {
        case (.null, _), (_, .null), (.container, .container): .unknown
        case (.bool(let a), .bool(let b)): a == b ? .equal : (b ? .less : .greater)
        case (.integer(let a), .integer(let b)): Self.order(a, b)
        case (.double(let a), .double(let b)): Self.order(a, b)
        case (.integer(let a), .double(let b)): Self.order(a, b)
        case (.double(let a), .integer(let b)): Self.order(b, a).reversed
        case (.string(let a), .string(let b)): Self.order(a, b)
        case (.timestamp(let a), .timestamp(let b)): Self.order(a, b)
        case (.timestamp(let a), .string(let b)):
            Timestamp(rfc3339: b).map { Self.order(a, $0) } ?? .different
        case (.string(let a), .timestamp(let b)):
            Timestamp(rfc3339: a).map { Self.order($0, b) } ?? .different
        default: .different
        }
    }

    private static func order<Value: Comparable>(_ a: Value, _ b: Value) -> Relation {
        a < b ? .less : (a == b ? .equal : .greater)
    }

    /// By bytes: Swift's own order follows canonical equivalence, and no index of a store does.
    private static func order(_ a: String, _ b: String) -> Relation {
        if a.utf8.elementsEqual(b.utf8) { return .equal }
        return a.utf8.lexicographicallyPrecedes(b.utf8) ? .less : .greater
    }

    /// Exact: an integer above 2^53 is not rounded to the double it is compared with.
    private static func order(_ a: Int64, _ b: Double) -> Relation {
        if b >= 0x1p63 { return .less }
        if b < -0x1p63 { return .greater }
        let whole = b.rounded(.down)
        let floor = Int64(whole)
        return a == floor ? (b > whole ? .less : .equal) : (a < floor ? .less : .greater)
    }
}

extension ConditionValue.Relation {
    fileprivate var reversed: Self {
        switch self {
        case .less: .greater
        case .greater: .less
        case .equal, .different, .unknown: self
        }
    }
}

extension ConditionValue: CustomStringConvertible {
    /// The literal that stands for it.
    public var description: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .timestamp(let value): return value.description
        case .container: return "{}"
        case .double(let value):
            var writer = JSONWriter(reservedBytes: 32)
            writer.double(value)
            return String(decoding: writer.finish(), as: UTF8.self)
        case .string(let value):
            var writer = JSONWriter(reservedBytes: value.utf8.count + 2)
            writer.string(value)
            return String(decoding: writer.finish(), as: UTF8.self)
        }
    }
}
