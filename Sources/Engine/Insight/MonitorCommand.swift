import Coordination

/// Questions about how well agents are coordinated.
public enum MonitorCommand: Sendable {
    /// Everything that is measured, as it stands now.
    case read
}

/// What the engine answers to them.
public enum MonitorAnswer: Sendable {
    /// To `.read`.
    case reading(MeterReading)
}
