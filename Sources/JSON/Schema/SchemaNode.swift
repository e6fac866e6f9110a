/// One schema of a compiled contract; others are named by their place in ``JSONSchema/nodes``.
struct SchemaNode: Sendable {
    /// The kinds of `type`.
    struct Types: OptionSet, Sendable {
        let rawValue: UInt8
        static let null = Types(rawValue: 1)
        static let boolean = Types(rawValue: 2)
        static let number = Types(rawValue: 4)
        static let string = Types(rawValue: 8)
        static let array = Types(rawValue: 16)
        static let object = Types(rawValue: 32)
        /// Numbers without a fractional part.
        static let integer = Types(rawValue: 64)

        static let names: [(String, Types)] = [
            ("null", .null), ("boolean", .boolean), ("number", .number), ("string", .string),
            ("array", .array), ("object", .object), ("integer", .integer),
        ]

        /// Those of the set, for people.
        var phrase: String {
            Self.names.filter { contains($0.1) }.map(\.0).joined(separator: " or ")
        }
    }

    /// The values of `enum` or the one of `const`, in canonical form.
    struct Choices: Sendable {
        let texts: Set<[UInt8]>
        /// Of the longest: a longer value is none of them.
        let maxBytes: Int
        /// The first five of them, each cut at 40 bytes, for people.
        let shown: String
    }

    /// A bound of numbers.
    struct Bound: Sendable {
        let number: DecimalText
        let text: String
    }

    /// What is known of one member name.
    struct Member: Sendable {
        /// Its schema among `properties`.
        var schema: Int?
        /// Its place among `required`.
        var required: Int?
    }

    /// `if`, `then` and `else`.
    struct Branch: Sendable {
        let condition: Int
        let yes: Int?
        let no: Int?
    }

    /// Set for the schemas `true` and `false`.
    var verdict: Bool?
    var types: Types?
    var choices: [Choices] = []
    var minimum, maximum, exclusiveMinimum, exclusiveMaximum: Bound?
    var lengths = SizeBounds(), items = SizeBounds(), members = SizeBounds()
    var hasUniqueItems = false
    var prefixItems: [Int] = []
    var restItems: Int?
    /// By the bytes of the name, escapes resolved.
    var names: [ArraySlice<UInt8>: Member] = [:]
    var required: [String] = []
    var additional: Int?
    var reference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var not: Int?
    var branch: Branch?

    /// Schemas that the same value is checked against.
    var inPlace: [Int] {
        let single = [reference, not, branch?.condition, branch?.yes, branch?.no].compactMap(\.self)
        return single + allOf + anyOf + oneOf
    }
}

/// The bounds of a length or count.
struct SizeBounds: Sendable {
    var min: Int?
    var max: Int?

    /// `nil` if the size is within the bounds, else what would be right.
    func fault(of size: Int, _ unit: String) -> String? {
        if let min, size < min { return "has \(size) \(unit); at least \(min)" }
        if let max, size > max { return "has \(size) \(unit); at most \(max)" }
        return nil
    }
}

extension DecimalText {
    /// Exact order: -1, 0 or 1.
    func compare(_ other: DecimalText) -> Int {
        let (sign, otherSign) = (self.sign, other.sign)
        if sign != otherSign { return sign < otherSign ? -1 : 1 }
        if sign == 0 { return 0 }
        let order: Int
        if pointPlace != other.pointPlace {
            order = pointPlace < other.pointPlace ? -1 : 1
        } else if digits == other.digits {
            order = 0
        } else {
            // Without trailing zeros, a prefix is the smaller one.
            order = digits.lexicographicallyPrecedes(other.digits) ? -1 : 1
        }
        return sign * order
    }

    private var sign: Int { digits.isEmpty ? 0 : (isNegative ? -1 : 1) }
}
