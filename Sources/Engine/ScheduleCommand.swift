import Coordination

/// What somebody wants of schedules.
public enum ScheduleCommand: Sendable {
    /// Puts a schedule or replaces the one of the same name; its open runs and its past stay.
    case put(ScheduleDefinition, by: Signature = .nobody)
    /// One schedule.
    case get(ScheduleName)
    /// Schedules of a namespace by ascending name (by its UTF-8), behind `after`.
    case list(Namespace, after: String?, limit: Int)
    /// Takes a schedule away; its open runs go on.
    case delete(ScheduleName, by: Signature = .nobody)
    /// Its own slots pass by from now on.
    case pause(ScheduleName, reason: String, by: Signature = .nobody)
    /// Its slots count again from now on.
    case resume(ScheduleName, reason: String, by: Signature = .nobody)
    /// Starts a run now, as the overlap policy allows.
    case trigger(ScheduleName, requestID: String, by: Signature = .nobody)

    /// Whether it changes nothing.
    var isRead: Bool {
        switch self {
        case .get, .list: true
        case .put, .delete, .pause, .resume, .trigger: false
        }
    }

    /// Whether a full disk or backlog refuses it.
    var isNewWork: Bool {
        switch self {
        case .put, .trigger: true
        case .get, .list, .delete, .pause, .resume: false
        }
    }

    /// About how much memory its payload takes while it waits.
    var inputBytes: Int {
        if case .put(let definition, _) = self { definition.input.bytes.count } else { 0 }
    }
}

extension Signature {
    /// Somebody unknown, such as a test.
    public static let nobody = Signature(actor: "")
}

/// Names a schedule.
public struct ScheduleName: Sendable, Hashable {
    /// Where it belongs.
    public var namespace: Namespace
    /// Its name there.
    public var id: String

    /// Combines the parts.
    public init(namespace: Namespace, id: String) {
        self.namespace = namespace
        self.id = id
    }
}

/// What the engine answers about schedules.
public enum ScheduleAnswer: Sendable {
    /// To `.put`: whether anything changed, and how it stands.
    case put(changed: Bool, ScheduleView)
    /// To `.get`, `.pause` and `.resume`.
    case one(ScheduleView)
    /// To `.list`; whether more follow.
    case list([ScheduleView], more: Bool)
    /// To `.delete`.
    case deleted
    /// To `.trigger`: the slot, its run's workflow id, and whether it starts or waits; `false`: the
    /// overlap policy left it out.
    case triggered(ScheduleSlot, workflowID: String, isTaken: Bool)
}

/// One schedule as it stands.
public struct ScheduleView: Sendable, Hashable {
    /// What it starts, and when.
    public var definition: ScheduleDefinition
    /// What it has done.
    public var state: ScheduleState
    /// Its next slots, at most five; none while it is paused or when it has ended.
    public var upcomingMillis: [Int64]

    init(_ machine: ScheduleMachine) {
        definition = machine.definition
        state = machine.state
        upcomingMillis = machine.state.isPaused ? [] : machine.upcoming(5)
    }
}
