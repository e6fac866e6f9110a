/// Why a text is no condition: where, what was expected there and what was found.
public struct ConditionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place in Unicode scalars, from 1; one past the end when something is missing there.
    public let character: Int
    /// What was expected and what was found, without the place.
    public let message: String

    init(at character: Int, _ message: String) {
        self.character = character
        self.message = message
    }

    /// Place and message in one sentence.
    public var description: String { "character \(character): \(message)" }
}
