/// What a step does once the steps it depends on have ended.
public enum StepKind: Sendable, Hashable {
    /// An agent type's operation, with retries, under a lease.
    case invoke
    /// Nothing until a timer ends or something comes. Its output is what came; `null` after a
    /// timer.
    case wait(WaitSpec)
    /// A person decides. Its output says what and who.
    case approval(ApprovalSpec)
    /// Gives its input to whoever wants events of a type: definitions with such a trigger start a
    /// run each, waiting steps end with it.
    case publish(eventType: String)
    /// Another run with an id and a history of its own; its result is the step's output.
    case child(ChildSpec)
    /// The step's operation once for each element of the list that is its input; its output is
    /// the list of how each one ended.
    case fanOut(FanOutSpec)
    /// Ends the run, when every other step has ended too, by a successor whose input is the step's.
    case continueAsNew(ContinueSpec)
    /// The step's input is put to several agents; its output is what enough of them answer.
    case ballot(BallotSpec)

    /// Whether an agent does the work, so that type and operation must be named.
    public var needsAgent: Bool {
        switch self {
        case .invoke, .fanOut: true
        case .wait, .approval, .publish, .child, .continueAsNew, .ballot: false
        }
    }
}

/// What a `wait` step waits for: a timer, or a signal or an event with an optional limit.
public struct WaitSpec: Sendable, Hashable {
    /// Name of the signal that ends the wait; empty: none. Signals that came earlier are kept.
    public var signal: String
    /// Type of the event that ends the wait; empty: none. Earlier events are not kept.
    public var eventType: String
    /// How long, milliseconds. Without a signal or event the wait completes then; with one it
    /// fails (`wait_timeout`). 0: no limit.
    public var millis: Int64

    /// Combines the parts.
    public init(signal: String = "", eventType: String = "", millis: Int64 = 0) {
        self.signal = signal
        self.eventType = eventType
        self.millis = millis
    }

    /// Whether the end of the time completes the step.
    public var isTimer: Bool { signal.isEmpty && eventType.isEmpty }
}

/// Who decides an `approval` step, until when, and what if nobody does.
public struct ApprovalSpec: Sendable, Hashable {
    /// Who may decide, at most 100; empty: anybody.
    public var assignees: [String]
    /// What they are asked; at most 4,096 bytes.
    public var prompt: String
    /// How long they have, milliseconds; 0: no limit.
    public var millis: Int64
    /// The decision when the time is over; `nil`: the step fails (`approval_timeout`).
    public var defaultDecision: ApprovalDecision?
    /// A JSON Schema for what they fill in, kept for those who show it; empty: none.
    public var formSchema: String

    /// Combines the parts.
    public init(
        assignees: [String] = [], prompt: String = "", millis: Int64 = 0,
        defaultDecision: ApprovalDecision? = nil, formSchema: String = ""
    ) {
        self.assignees = assignees
        self.prompt = prompt
        self.millis = millis
        self.defaultDecision = defaultDecision
        self.formSchema = formSchema
    }
}

/// What was decided. An approval completes the step, a rejection fails it (`rejected`). The raw
/// values are stored: never renumber.
public enum ApprovalDecision: UInt8, Sendable, Hashable, CaseIterable {
    case approve = 1
    case reject = 2
}

/// Which run a `child` step starts.
public struct ChildSpec: Sendable, Hashable {
    /// Name of the child's definition, in the same namespace.
    public var workflow: String
    /// What becomes of the child when its parent ends first.
    public var onParentClose: ParentClosePolicy
    /// Runs it again and again; `nil`: once.
    public var loop: ChildLoop?

    /// Combines the parts.
    public init(
        workflow: String, onParentClose: ParentClosePolicy = .terminate, loop: ChildLoop? = nil
    ) {
        self.workflow = workflow
        self.onParentClose = onParentClose
        self.loop = loop
    }
}

/// How a `child` step repeats its run: each gets the result of the one before as its input.
public struct ChildLoop: Sendable, Hashable {
    /// What must hold for the loop to end: a condition over `output` (the result of the newest run),
    /// `input` and `steps.ID.output`.
    public var until: String
    /// Runs at most, 1 to ``maxTimes``; the step fails (`repeat_exhausted`) if `until` does not hold
    /// after the last one.
    public var times: Int

    /// The most that any step may ask for.
    public static let maxTimes = 1_000

    /// Combines the parts.
    public init(until: String, times: Int) {
        self.until = until
        self.times = times
    }
}

/// What becomes of a child whose parent ends first. The raw values are stored: never renumber.
public enum ParentClosePolicy: UInt8, Sendable, Hashable, CaseIterable {
    /// It ends at once.
    case terminate = 1
    /// It goes on alone.
    case abandon = 2
    /// It is cancelled, so that its compensations run.
    case requestCancel = 3
}

/// How a `fan_out` step goes through its list.
public struct FanOutSpec: Sendable, Hashable {
    /// The longest list, 1 to ``maxWidth``.
    public var width: Int
    /// Elements worked on at once, 1 to ``maxWidth``.
    public var concurrency: Int

    /// The longest list any step may ask for.
    public static let maxWidth = 1_000

    /// Combines the parts.
    public init(width: Int = FanOutSpec.maxWidth, concurrency: Int = 16) {
        self.width = width
        self.concurrency = concurrency
    }
}

/// Which run takes the place of the one that a `continue_as_new` step ends.
public struct ContinueSpec: Sendable, Hashable {
    /// Name of the successor's definition, in the same namespace; empty: the run's own.
    public var workflow: String
    /// Which version of it.
    public var version: VersionPolicy

    /// Combines the parts.
    public init(workflow: String = "", version: VersionPolicy = .current) {
        self.workflow = workflow
        self.version = version
    }
}

/// Which version of a definition a successor runs. The raw values are stored: never renumber.
public enum VersionPolicy: UInt8, Sendable, Hashable, CaseIterable {
    /// The one that is current when it begins.
    case current = 1
    /// The one of the run before it; only for the run's own definition.
    case keep = 2
}
