/// A name that is the same as another one only when all their bytes are.
///
/// Two `String`s are equal when they look alike, whether a letter and its accent are one scalar or
/// two; for who sends names over the wire those are two names.
public struct ExactName: Sendable, Hashable, CustomStringConvertible {
    /// As it was sent.
    public let text: String

    /// Takes a text as it is.
    public init(_ text: String) { self.text = text }

    public static func == (one: ExactName, other: ExactName) -> Bool {
        one.text.hasSameBytes(as: other.text)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }

    public var description: String { text }
}
