import Coordination

/// One schedule in memory.
struct ScheduleCell: Sendable {
    var machine: ScheduleMachine
    /// The newest batch that changes it.
    var changedIn = BatchNumber.none
    /// Handle of the timer of its next slot; -1: none.
    var timer: Int32 = -1
    /// Whether it stands in ``ScheduleTable/due``.
    var isDue = false

    static let vacant = ScheduleCell(
        machine: ScheduleMachine(
            ScheduleDefinition(
                id: "", namespace: Namespace(""), workflow: "", workflowIDPrefix: "",
                input: Payload(bytes: []), times: ScheduleTimes()), ScheduleState(atMillis: 0)))
}

/// All schedules of the engine.
struct ScheduleTable: Sendable {
    var cells = Slab(vacant: ScheduleCell.vacant)
    var index: [ScopedName: Int32] = [:]
    /// The schedules of each open run that one has started: several whose workflow ids begin alike
    /// share the run of a slot.
    private var ofRun: [RunID: [Int32]] = [:]
    /// Schedules that are to be asked what to do.
    var due: [Int32] = []
    /// The newest batch that put or deleted one.
    var changedIn = BatchNumber.none
    /// Handle of the timer that compares the clocks; -1: none.
    var clockTimer: Int32 = -1
    /// How far the wall clock was ahead of the monotonic one when they were compared last.
    var leadMillis: Int64 = 0

    // Rows of the store whose other half has not come yet.
    var definitions: [ScopedName: ScheduleDefinition] = [:]
    var states: [ScopedName: ScheduleState] = [:]

    /// An open run stands for a slot of a schedule.
    mutating func own(_ run: RunID, _ schedule: Int32) {
        if ofRun[run]?.contains(schedule) == true { return }
        ofRun[run, default: []].append(schedule)
    }

    /// It does no more.
    mutating func disown(_ run: RunID, _ schedule: Int32) {
        ofRun[run]?.removeAll { $0 == schedule }
        if ofRun[run]?.isEmpty == true { ofRun[run] = nil }
    }

    /// Takes the schedules that a run stands for.
    mutating func takeOwners(of run: RunID) -> [Int32] { ofRun.removeValue(forKey: run) ?? [] }

    /// Has a schedule asked what to do at the end of the turn.
    mutating func markDue(_ schedule: Int32) {
        if cells[schedule].isDue { return }
        cells[schedule].isDue = true
        due.append(schedule)
    }

    /// Has schedules that were taken asked before the others the next time.
    mutating func markDueFirst(_ schedules: ArraySlice<Int32>) {
        let waiting = schedules.filter { !cells[$0].isDue }
        for schedule in waiting { cells[schedule].isDue = true }
        due.insert(contentsOf: waiting, at: 0)
    }

    /// The schedules to be asked, first come first; they are due no more.
    mutating func takeDue() -> [Int32] {
        // One may have been deleted meanwhile, and another may stand in its place.
        let taken = due.filter { cells.contains($0) && cells[$0].isDue }
        due.removeAll(keepingCapacity: true)
        for schedule in taken { cells[schedule].isDue = false }
        return taken
    }
}
