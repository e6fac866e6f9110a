import Coordination

/// Questions about how runs stand.
public enum InsightCommand: Sendable {
    /// Why a run does not move.
    case explain(RunReference)
    /// A run with the graph sequence up to which it tells.
    case graph(RunReference)
    /// Answers `.graphs`, then `.changed` as changes are committed.
    case watchGraphs(WatchGraphs)

    /// Whom it is about.
    var namespace: Namespace {
        switch self {
        case .explain(let run), .graph(let run): run.namespace
        case .watchGraphs(let watch): watch.namespace
        }
    }
}

/// Follows how runs change.
public struct WatchGraphs: Sendable, Hashable {
    /// Whose runs.
    public var namespace: Namespace
    /// Only these; empty: all of the namespace.
    public var runs: Set<RunID>
    /// Goes on behind this sequence number; `nil`: from now on, with the named runs as they are.
    public var after: Int64?

    /// Combines the parts.
    public init(namespace: Namespace, runs: Set<RunID>, after: Int64?) {
        self.namespace = namespace
        self.runs = runs
        self.after = after
    }
}

/// What the engine answers about how runs stand.
public enum InsightAnswer: Sendable {
    /// To `.explain`: in the order of the steps, a child's causes behind its step; at most 1,000.
    case explained(RunSummary, [RunCause])
    /// To `.graph`.
    case graph(RunSummary, sequence: Int64)
    /// The first answer to `.watchGraphs`: runs as they are, and the runs among those asked for that
    /// have ended since or are unknown here.
    case graphs([RunSummary], ended: [RunID], sequence: Int64)
    /// A run has changed.
    case changed(RunSummary, sequence: Int64)
}
