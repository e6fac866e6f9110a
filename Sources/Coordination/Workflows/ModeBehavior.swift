/// What a step does when its turn comes, by the operating mode of its namespace.
public struct ModeBehavior: Sendable, Hashable {
    /// What it does in each mode; default ``StepBehavior/run``.
    public var normal: StepBehavior
    public var degraded: StepBehavior
    public var emergency: StepBehavior

    /// Combines the parts; a step runs in every mode unless it says otherwise.
    public init(
        normal: StepBehavior = .run, degraded: StepBehavior = .run, emergency: StepBehavior = .run
    ) {
        self.normal = normal
        self.degraded = degraded
        self.emergency = emergency
    }

    /// It runs whatever the mode.
    public static let run = ModeBehavior()

    /// What it does in one mode.
    public subscript(mode: OperatingMode) -> StepBehavior {
        switch mode {
        case .normal: normal
        case .degraded: degraded
        case .emergency: emergency
        }
    }

    /// Whether some mode asks for an output that is remembered.
    public var usesCache: Bool {
        normal == .cached || degraded == .cached || emergency == .cached
    }

    /// By the mode's name.
    var all: [(name: String, behavior: StepBehavior)] {
        [("normal", normal), ("degraded", degraded), ("emergency", emergency)]
    }
}

/// One way to take a step's turn. The raw values are stored: never renumber.
public enum StepBehavior: UInt8, Sendable, Hashable, CaseIterable {
    case run = 0
    /// It waits for a mode in which it may do something else.
    case hold = 1
    /// The newest output that the same operation had for the same input, in any run of the workflow,
    /// is its output; when there is none it fails (`nothing_cached`).
    case cached = 2
    /// It is skipped and counts as ended.
    case skip = 3
    /// It fails (`refused_by_mode`), so that its fallback takes its place, if it has one.
    case refuse = 4
}
