/// One thing wrong with one part of a request or definition.
public struct FieldFault: Sendable, Hashable, CustomStringConvertible {
    /// The path of the part, such as `steps[2].depends_on[0]`; as in google.rpc `BadRequest`.
    public var field: String
    /// What is wrong and what would be right.
    public var description: String

    /// Names a fault.
    public init(field: String, description: String) {
        self.field = field
        self.description = description
    }
}
