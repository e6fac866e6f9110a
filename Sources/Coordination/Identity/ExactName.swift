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
        guard one.text.utf8.count == other.text.utf8.count, one.text == other.text else {
            return false
        }
        // As many bytes that look like ASCII are the same ASCII.
        return one.text.utf8Span.isKnownASCII || one.text.utf8.elementsEqual(other.text.utf8)
    }

    /// The same bytes look alike, so the text's own hash will do.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }

    public var description: String { text }
}
