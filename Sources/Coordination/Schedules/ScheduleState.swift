/// What a schedule has done and has yet to do; changes with every slot and is stored with it.
public struct ScheduleState: Sendable, Hashable {
    /// A run that it started.
    public struct Start: Sendable, Hashable {
        /// Which slot it was for.
        public var slot: ScheduleSlot
        /// When it was started.
        public var startedMillis: Int64
        /// The run.
        public var run: RunID

        /// Combines the parts.
        public init(slot: ScheduleSlot, startedMillis: Int64, run: RunID) {
            self.slot = slot
            self.startedMillis = startedMillis
            self.run = run
        }
    }

    /// What became of slots since the schedule was put.
    public struct Counts: Sendable, Hashable {
        /// Runs started.
        public var started: Int64 = 0
        /// Slots left out because a run was open.
        public var skipped: Int64 = 0
        /// Slots older than the catch-up window when they were seen; a lower bound after very long
        /// breaks.
        public var missed: Int64 = 0
        /// Starts that were refused, such as for want of the workflow definition.
        public var failed: Int64 = 0

        /// Nothing yet.
        public init() {}
    }

    /// Slots that may wait for an open run to end.
    public static let maxWaiting = 1_000
    /// How many of its last starts are kept.
    public static let maxRecent = 10

    /// When it was put first.
    public var createdMillis: Int64
    /// When it was put, paused or resumed last.
    public var updatedMillis: Int64
    /// Whether its own slots pass by; triggers still start.
    public var isPaused = false
    /// Why it was paused or resumed.
    public var pauseReason = ""
    /// Slots up to here are decided.
    public var decidedMillis: Int64
    /// Slots that start when the open runs have ended, first one first.
    public var waiting: [ScheduleSlot] = []
    /// Its runs that are open.
    public var running: [RunID] = []
    /// Those of them that were asked to stop.
    public var stopping: Set<RunID> = []
    /// Its last starts, newest last.
    public var recent: [Start] = []
    /// What became of slots.
    public var counts = Counts()
    /// Why the last refused start was refused; empty: none was.
    public var lastFailure = ""

    /// A schedule that begins now.
    public init(atMillis now: Int64) {
        createdMillis = now
        updatedMillis = now
        decidedMillis = now
    }
}
