import Coordination

/// One reason why a run does not move, or what will move it.
public struct RunCause: Sendable, Hashable {
    /// What a program can tell apart.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// The run as a whole: paused, queued, being undone, its result is made, or ended.
        case run
        /// Steps that must end first.
        case dependency
        /// A concurrency or rate key has no room, or is paused.
        case key
        /// A breaker lets nothing through.
        case breaker
        /// The operating mode does not let it begin.
        case mode
        /// No instance of the agent type may be given work.
        case noAgent
        /// Every instance is busy.
        case queue
        /// A payload is being made, or the start of the attempt is being written.
        case preparation
        /// An instance works on it.
        case attempt
        /// The wait before the next attempt.
        case retry
        /// A timer, a signal or an event.
        case wait
        /// Somebody's decision.
        case decision
        /// Another run.
        case child
        /// Elements of a list.
        case elements
        /// A dead letter.
        case parked
    }

    /// The run, which may be one that the asked one waits for.
    public var run: RunID
    /// The step; empty for the run as a whole.
    public var step: String
    public var kind: Kind
    /// The reason, in one sentence.
    public var message: String
    /// When it goes on by itself, wall clock milliseconds; 0: not by time.
    public var untilMillis: Int64 = 0
    /// Names of what it waits for: steps, runs, a key, a breaker, an agent type, a signal.
    public var waitsFor: [String] = []
    /// How many stand before it in line; -1: it is in none.
    public var position = -1
}
