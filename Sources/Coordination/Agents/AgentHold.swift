/// Why an instance gets no new work for now. Each reason comes and goes on its own.
public struct AgentHold: OptionSet, Sendable, Hashable {
    /// One bit a reason.
    public let rawValue: UInt8

    /// Wraps the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A remote instance has given no credit.
    public static let noCredit = AgentHold(rawValue: 1)
    /// A remote instance's connection dropped; its lease runs.
    public static let disconnected = AgentHold(rawValue: 2)
    /// It was asked to finish and leave.
    public static let draining = AgentHold(rawValue: 4)
    /// The failure isolator keeps work from it.
    public static let isolated = AgentHold(rawValue: 8)
}
