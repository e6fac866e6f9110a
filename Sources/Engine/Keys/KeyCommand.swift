import Coordination

/// What somebody wants of concurrency and rate keys.
public enum KeyCommand: Sendable {
    /// Keeps steps with a key from beginning, or lets them go on.
    case pause(PauseKey)
    /// Keys of a namespace that are in use or paused, by ascending name, behind `after`.
    case list(Namespace, after: String?, limit: Int)
}

/// Keeps steps with a concurrency or rate key from beginning until a time; what works goes on.
public struct PauseKey: Sendable, Hashable {
    /// Which key; its concurrency and its rate together.
    public var name: KeyName
    /// Wall clock, milliseconds; an instant that has passed lets the key's steps go on.
    public var untilMillis: Int64
    /// Who does it, and why.
    public var signature: Signature

    /// Combines the parts.
    public init(name: KeyName, untilMillis: Int64, signature: Signature) {
        self.name = name
        self.untilMillis = untilMillis
        self.signature = signature
    }
}

/// What the engine answers about keys.
public enum KeyAnswer: Sendable {
    /// To `.pause`: how the key stands.
    case paused(KeyView)
    /// To `.list`; whether more follow.
    case list([KeyView], more: Bool)
}

/// One key as it stands: the concurrency and the rate of that name together.
public struct KeyView: Sendable, Hashable {
    /// As the steps name it.
    public var name: String
    /// How many steps hold it, and the first hundred of them by age of their runs.
    public var holderCount = 0
    public var holders: [StepOrigin] = []
    /// How many steps wait at it, and the first hundred of them in their order.
    public var waiterCount = 0
    public var waiters: [StepOrigin] = []
    /// When its rate lets the next attempt begin, wall clock milliseconds; 0: at once.
    public var nextBeginMillis: Int64 = 0
    /// `nil`: it is not paused.
    public var pause: KeyPause?

    /// A key that nothing is known of.
    public init(name: String) { self.name = name }
}
