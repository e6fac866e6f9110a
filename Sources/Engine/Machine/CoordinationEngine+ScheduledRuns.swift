import Coordination
import Store

/// Schedules: their time, and the runs they start and stop.
extension CoordinationEngine {
    /// How often the clocks are compared, so that a jump of the wall clock is noticed.
    private static let clockCheckMillis: Int64 = 5_000
    /// When starts that are not possible now are tried again.
    private static let retryMillis: Int64 = 1_000
    /// A difference of the clocks that is no jump but their ordinary correction.
    private static let ordinaryDriftMillis: Int64 = 500

    // MARK: Taking up

    /// Takes a schedule into memory.
    mutating func insert(_ machine: ScheduleMachine) -> Int32 {
        let schedule = schedules.cells.insert(ScheduleCell(machine: machine))
        let definition = machine.definition
        schedules.index[
            ScopedName(namespace: definition.namespace, name: definition.id)] = schedule
        for run in machine.state.running { schedules.own(run, schedule) }
        return schedule
    }

    /// One of the two rows of a schedule that the store holds.
    mutating func restoreSchedule(_ row: EntityRow) throws(CodecError) {
        let name = ScopedName(namespace: Namespace(row.namespace), name: row.key)
        if row.entityKind == .schedule {
            schedules.definitions[name] = try ScheduleCodec.definition(row.blob ?? [])
        } else {
            schedules.states[name] = try ScheduleCodec.state(row.blob ?? [])
        }
        guard let definition = schedules.definitions[name], let state = schedules.states[name]
        else { return }
        schedules.definitions[name] = nil
        schedules.states[name] = nil
        schedules.markDue(insert(ScheduleMachine(definition, state)))
    }

    // MARK: Time

    /// Has every schedule that is due say what to do, as far as the filling batch has room.
    mutating func takeDueSchedules() {
        if hasRoomForDue(draft.due.schedules) {
            var waiting = schedules.takeDue()[...]
            while hasRoomForDue(draft.due.schedules), let schedule = waiting.popFirst() {
                advance(schedule)
            }
            schedules.markDueFirst(waiting)
        }
        armClock()
    }

    mutating func scheduleTimeCame(_ schedule: Int32) {
        schedules.cells[schedule].timer = -1
        schedules.markDue(schedule)
    }

    /// After a jump of the wall clock the timers, which are monotonic, ring at the wrong time.
    mutating func compareClocks() {
        schedules.clockTimer = -1
        let lead = now.wallMillis - now.monotonicNanos / 1_000_000
        if abs(lead - schedules.leadMillis) > Self.ordinaryDriftMillis {
            for schedule in schedules.cells.indices { schedules.markDue(schedule) }
        }
        schedules.leadMillis = lead
    }

    private mutating func armClock() {
        guard schedules.clockTimer < 0, !schedules.index.isEmpty else { return }
        schedules.leadMillis = now.wallMillis - now.monotonicNanos / 1_000_000
        schedules.clockTimer = timers.insert(
            .clocks, key: monotonicNanos(inMillis: Self.clockCheckMillis))
    }

    /// Whether runs of schedules may be started now.
    private var canStartScheduled: Bool {
        !isDraining && !isDiskFull && !isLowOnSpace && openRuns < limits.maxOpenRuns
    }

    private mutating func advance(_ schedule: Int32) {
        let before = schedules.cells[schedule].machine.state
        // A run that ended with the last process's final commit is not there any more.
        for run in before.running where runIndex[run] == nil {
            schedules.cells[schedule].machine.runEnded(run)
            schedules.disown(run, schedule)
        }
        while hasRoomForDue(draft.due.schedules),
            let action = schedules.cells[schedule].machine.next(
                atMillis: now.wallMillis, canStart: canStartScheduled)
        {
            draft.commands += 1
            draft.due.schedules += 1
            perform(action, of: schedule)
            settle()
        }
        if schedules.cells[schedule].machine.state != before { store(schedule) }
        if hasRoomForDue(draft.due.schedules) || !canStartScheduled { return arm(schedule) }
        // What waits yet, waits for room in a batch and not for the next slot.
        schedules.markDue(schedule)
    }

    private mutating func arm(_ schedule: Int32) {
        let cell = schedules.cells[schedule]
        if cell.timer >= 0 { timers.remove(cell.timer) }
        schedules.cells[schedule].timer = -1
        var wake = cell.machine.wakeMillis
        let isHeld = !canStartScheduled
        if isHeld, wake != nil || !cell.machine.state.waiting.isEmpty {
            wake = max(wake ?? .min, now.wallMillis + Self.retryMillis)
        } else if let due = wake, due <= now.wallMillis {
            // The batch is full, or it has looked at enough slots for one turn.
            return schedules.markDue(schedule)
        }
        guard let wake else { return }
        schedules.cells[schedule].timer = timers.insert(
            .schedule(schedule), key: monotonicNanos(atWallMillis: wake))
    }

    // MARK: Runs

    private mutating func perform(_ action: ScheduleMachine.Action, of schedule: Int32) {
        switch action {
        case .start(let slot): startRun(of: schedule, for: slot)
        case .cancel(let runs): for run in runs { stop(run, isAsked: true) }
        case .terminate(let runs): for run in runs { stop(run, isAsked: false) }
        }
    }

    private mutating func startRun(of schedule: Int32, for slot: ScheduleSlot) {
        let definition = schedules.cells[schedule].machine.definition
        let workflow = ScopedName(namespace: definition.namespace, name: definition.workflow)
        guard let entry = definitions[workflow] else {
            return schedules.cells[schedule].machine.failed(
                slot, reason: "no workflow \(definition.workflow) is defined")
        }
        let name = ScopedName(
            namespace: definition.namespace, name: definition.workflowID(of: slot))
        let run: RunID
        if let open = workflowIndex[name], !runs[open].machine.state.status.isClosed {
            // Somebody has started the slot's run by hand: it stands for the slot.
            run = runs[open].machine.state.id
        } else {
            run = begin(
                NewRun(
                    namespace: definition.namespace, workflowID: name.name,
                    input: definition.input), entry)
        }
        schedules.cells[schedule].machine.started(slot, run: run, at: now.wallMillis)
        schedules.own(run, schedule)
    }

    private mutating func stop(_ id: RunID, isAsked: Bool) {
        guard let run = runIndex[id], !runs[run].machine.state.status.isClosed else { return }
        let reason = "the schedule starts its next run"
        if !isAsked {
            _ = terminate(run, reason)
            return
        }
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.cancelRequested(reason: reason, at: at, into: &out)
        }
    }

    /// A run has ended; if a schedule started it, what waited for its end may go on.
    mutating func scheduledRunEnded(_ run: RunID) {
        for schedule in schedules.takeOwners(of: run) {
            schedules.cells[schedule].machine.runEnded(run)
            store(schedule)
            schedules.markDue(schedule)
        }
    }

    /// A run that had ended goes on: it is open again for the schedules whose last starts it is
    /// among.
    mutating func scheduledRunReopened(_ run: RunID, in namespace: Namespace) {
        for schedule in schedules.cells.indices
        where schedules.cells[schedule].machine.definition.namespace == namespace {
            guard schedules.cells[schedule].machine.runReopened(run) else { continue }
            schedules.own(run, schedule)
            store(schedule)
        }
    }

    /// A run of a schedule goes on as another one, which counts as the slot's from now on.
    mutating func scheduledRunContinued(_ run: RunID, as successor: RunID) {
        for schedule in schedules.takeOwners(of: run) {
            schedules.cells[schedule].machine.runContinued(run, as: successor)
            schedules.own(successor, schedule)
            store(schedule)
        }
    }

    /// Writes a schedule's state with the filling batch.
    mutating func store(_ schedule: Int32) {
        let machine = schedules.cells[schedule].machine
        schedules.cells[schedule].changedIn = put(
            EntityRow(
                kind: .scheduleState, namespace: machine.definition.namespace.name,
                key: machine.definition.id, blob: ScheduleCodec.encode(machine.state)))
    }
}
