/// What a ``RunMachine`` wants done and remembered; the caller empties and reuses it.
public struct RunOutput: Sendable {
    /// What to do and what to remember, oldest first.
    public var actions: [RunAction] = []
    public var events: [HistoryEvent] = []

    /// Nothing to do.
    public init() {}
}

/// One thing to do for a run. Steps are named by index in the run's state.
public enum RunAction: Sendable, Hashable {
    /// Find an instance for the step, prepare its input, and dispatch it; for kinds without an
    /// agent prepare the input and report what became of it.
    case schedule(step: Int)
    /// Look whether the step's condition holds.
    case evaluate(step: Int)
    /// Look whether the run's input fits its definition's contract; nothing begins before.
    case checkInput
    /// After a restart: a remote instance may still work on the step. Wait for it to come back and
    /// say `resumed`; when its lease ends first, say `holderLost`.
    case awaitHolder(step: Int)
    /// Say `timerFired` at this wall-clock instant.
    case armTimer(step: Int, atMillis: Int64)
    /// Say `eventReceived` for events of this type.
    case listen(step: Int, eventType: String)
    /// Nobody waits for the step any more: drop its place in the queue, its preparation, its
    /// timer, its wish for events, or cancel its assignment.
    case stop(step: Int)
    /// The run is paused: drop the scheduled step's place in the queue and its preparation.
    case hold(step: Int)
    /// The time of an approval is over: decide as its definition says.
    case decideByDefault(step: Int)
    /// The step waits for somebody: show it among the dead letters.
    case park(step: Int)
    /// Make the step's output: from the outcomes of its elements, or from its child's result.
    case collect(step: Int)
    /// The parent has ended: do with the child as the policy says.
    case closeChild(RunID, ParentClosePolicy)
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
    /// Bytes of history events; no attempt begins past it.
    public var maxHistoryBytes = 10 << 20
    /// How often a step may lose its instance before it fails.
    public var maxLosses = 5
    /// Signals kept for waits to come.
    public var maxKeptSignals = 1_000
    /// Parents above a run.
    public var maxDepth = 16

    /// The documented limits.
    public static let defaults = RunLimits()

    /// The documented limits, to be changed one by one.
    public init() {}
}
