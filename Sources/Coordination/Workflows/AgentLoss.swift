/// Why an instance works no longer on an attempt that it was given.
public enum AgentLoss: Sendable, Hashable {
    /// It left, or its lease ended. The step may be what ended it, so this counts towards the limit
    /// of lost attempts.
    case left
    /// It was isolated for what it did elsewhere, or by hand: nothing against the step.
    case isolated
    /// The server was asked to stop: nothing against the step either.
    case shutdown
}
