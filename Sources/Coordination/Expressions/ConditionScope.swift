public import JSON

/// What the paths of a condition lead to at the place where it is used.
public protocol ConditionScope {
    /// The value at the end of a path; `nil` when there is none, which is the same as null.
    ///
    /// Mutating, so that a scope may keep what it has looked up.
    mutating func value(at path: JSONPathExpression) -> ConditionValue?
}

/// The members of one JSON value, or of several under a name each.
public struct JSONScope: ConditionScope {
    private var lookups: [String: JSONLookup]

    /// Paths whose first name is a key of `roots` lead into that document.
    public init(roots: [String: JSONDocument]) {
        lookups = roots.mapValues { JSONLookup($0) }
    }

    /// The value in the document that the path's first name stands for.
    public mutating func value(at path: JSONPathExpression) -> ConditionValue? {
        guard let root = path.root else { return nil }
        return lookups[root]?.at(path.steps.dropFirst()).map(ConditionValue.init)
    }
}
