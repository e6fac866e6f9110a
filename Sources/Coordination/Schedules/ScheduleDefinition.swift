/// What a schedule starts, and when.
public struct ScheduleDefinition: Sendable, Hashable {
    /// What to do with a slot while a run of an earlier one is open.
    public enum Overlap: UInt8, Sendable, Hashable, CaseIterable {
        /// Leave the slot out.
        case skip = 1
        /// Start one when the open run has ended; leave further slots out.
        case bufferOne = 2
        /// Start all, one after the other, at most ``ScheduleState/maxWaiting`` waiting.
        case bufferAll = 3
        /// Ask the open run to stop and start when it has; of several waiting slots the last.
        case cancelOther = 4
        /// End the open run at once, then start.
        case terminateOther = 5
        /// Start beside it.
        case allowAll = 6
    }

    /// The schedule's name, unique in its namespace.
    public var id: String
    /// Where the schedule, its workflow definition and its runs belong.
    public var namespace: Namespace
    /// Name of the workflow definition to start.
    public var workflow: String
    /// What the runs' workflow ids begin with; behind it stands the slot.
    public var workflowIDPrefix: String
    /// Validated JSON, the input of every run.
    public var input: Payload
    /// When it is due.
    public var times: ScheduleTimes
    /// Starts are spread over so many milliseconds after their slots; 0: none.
    public var jitterMillis: Int64
    /// What an open run of an earlier slot means.
    public var overlap: Overlap
    /// Slots that were missed (the server was down, the clock jumped) are made up for when they
    /// are at most this old.
    public var catchUpMillis: Int64
    /// For people.
    public var note: String

    /// Combines the parts.
    public init(
        id: String, namespace: Namespace, workflow: String, workflowIDPrefix: String,
        input: Payload, times: ScheduleTimes, jitterMillis: Int64 = 0, overlap: Overlap = .skip,
        catchUpMillis: Int64 = 3_600_000, note: String = ""
    ) {
        self.id = id
        self.namespace = namespace
        self.workflow = workflow
        self.workflowIDPrefix = workflowIDPrefix
        self.input = input
        self.times = times
        self.jitterMillis = jitterMillis
        self.overlap = overlap
        self.catchUpMillis = catchUpMillis
        self.note = note
    }

    /// The workflow id of a slot's run: one slot, one id.
    public func workflowID(of slot: ScheduleSlot) -> String {
        workflowIDPrefix + (slot.isTriggered ? "-trigger-" : "-")
            + Timestamp(millis: slot.millis).description
    }
}

/// One time at which a schedule starts a run.
public struct ScheduleSlot: Sendable, Hashable {
    /// The nominal time, without jitter.
    public var millis: Int64
    /// Whether somebody asked for it outside the schedule's times.
    public var isTriggered: Bool

    /// Combines the parts.
    public init(millis: Int64, isTriggered: Bool = false) {
        self.millis = millis
        self.isTriggered = isTriggered
    }
}
