/// What a ``RunMachine`` wants done and remembered; the caller empties and reuses it.
public struct RunOutput: Sendable {
    public var actions: [RunAction] = []
    public var events: [HistoryEvent] = []

    /// Nothing to do.
    public init() {}
}

/// One thing to do for a run. Steps are named by index in the plan.
public enum RunAction: Sendable, Hashable {
    /// Find an instance for the step, prepare its input, and dispatch it.
    case schedule(step: Int)
    /// After a restart: a remote instance may still work on the step. Wait for it to come back and
    /// say `resumed`; when its lease ends first, say `holderLost`.
    case awaitHolder(step: Int)
    /// Say `retryDue` at this wall-clock instant.
    case armRetry(step: Int, atMillis: Int64)
    /// Nobody waits for the step any more: drop its place in the queue, its preparation, its
    /// timer, or cancel its assignment.
    case stop(step: Int)
    /// Every step has ended: render the run's result.
    case prepareResult
    /// The run is over; nothing comes after this.
    case closed
}

/// What one run may use up.
public struct RunLimits: Sendable, Hashable {
    /// The largest output of one step, bytes.
    public var maxOutputBytes = 2 << 20
    /// All payloads stored for a run, bytes.
    public var maxPayloadBytes = 64 << 20
    /// History events; attempts stop early enough for the run to end within it.
    public var maxEvents: Int64 = 10_000
    /// How often a step may lose its instance before it fails.
    public var maxLosses = 5

    /// The documented limits.
    public static let defaults = RunLimits()

    /// The documented limits, to be changed one by one.
    public init() {}
}
