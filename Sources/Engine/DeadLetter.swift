import Coordination

/// A step of an open run that has run out of attempts and waits for somebody.
public struct DeadLetter: Sendable, Hashable {
    /// The run that waits, and its caller's name for it.
    public var run: RunID
    public var workflowID: String
    /// Name of the run's definition.
    public var definition: String
    public var step: StepSummary
    /// When it was parked, wall clock.
    public var parkedMillis: Int64
    /// Its place in the list.
    public var cursor: DeadLetterCursor

    /// Combines the parts.
    public init(
        run: RunID, workflowID: String, definition: String, step: StepSummary,
        parkedMillis: Int64, cursor: DeadLetterCursor
    ) {
        self.run = run
        self.workflowID = workflowID
        self.definition = definition
        self.step = step
        self.parkedMillis = parkedMillis
        self.cursor = cursor
    }
}

/// The last dead letter of a page. Written as the run's id, a dash and a number.
public struct DeadLetterCursor: Sendable, Hashable {
    let place: StepPlace

    init(_ place: StepPlace) { self.place = place }

    /// Reads what ``token`` gave; `nil` for anything else.
    public init?(token: String) {
        let parts = token.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let run = RunID(String(parts[0])), let step = Int(parts[1]) else {
            return nil
        }
        place = StepPlace(run: run, step: step)
    }

    /// The cursor as text.
    public var token: String { "\(place.run)-\(place.step)" }
}
