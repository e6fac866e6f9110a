/// Holds an optional message behind a pointer, so that a message may hold one of its own kind.
///
/// The generator puts `@Indirect` on exactly those fields through which a message can contain
/// itself; they read and write like any other optional field.
@propertyWrapper
public enum Indirect<Message: Sendable & Hashable>: Sendable, Hashable {
    case none
    indirect case some(Message)

    /// Holds a message, or none.
    public init(wrappedValue: Message?) {
        self = wrappedValue.map(Indirect.some) ?? .none
    }

    /// What it holds.
    public var wrappedValue: Message? {
        get {
            switch self {
            case .none: nil
            case .some(let message): message
            }
        }
        set { self = newValue.map(Indirect.some) ?? .none }
    }
}
