/// One schedule as a pure machine: told the time and what became of its runs, it says what to start
/// and what to stop.
///
/// Exactly one start per slot: a slot is decided once, since ``ScheduleState/decidedMillis`` moves
/// past it and is stored in the batch that holds the start.
public struct ScheduleMachine: Sendable {
    /// What it starts, and when.
    public private(set) var definition: ScheduleDefinition
    /// What it has done.
    public private(set) var state: ScheduleState

    /// What has to be done; ask again until there is nothing.
    public enum Action: Sendable, Hashable {
        /// Start a run for the slot, then say ``ScheduleMachine/started(_:run:at:)`` or
        /// ``ScheduleMachine/failed(_:reason:)``.
        case start(ScheduleSlot)
        /// Ask these runs to stop.
        case cancel([RunID])
        /// End these runs at once.
        case terminate([RunID])
    }

    /// The most slots that are looked at before the time is asked for anew.
    private static let slotsPerLook = 200

    /// A new schedule, or one that the store holds.
    public init(_ definition: ScheduleDefinition, _ state: ScheduleState) {
        self.definition = definition
        self.state = state
    }

    // MARK: What is next

    /// What has to be done now; `nil`: nothing before ``wakeMillis``, a trigger or the end of a run.
    ///
    /// - Parameter canStart: whether runs may be started now; slots stay as they are otherwise.
    public mutating func next(atMillis now: Int64, canStart: Bool = true) -> Action? {
        var looked = 0
        while true {
            if let action = stop() { return action }
            if !canStart { return nil }
            if let slot = takeWaiting() { return .start(slot) }
            guard !state.isPaused, looked < Self.slotsPerLook, decideSlot(dueAtMillis: now) else {
                return nil
            }
            looked += 1
        }
    }

    /// When to ask again, if nothing else happens; in the past if there is more to decide now.
    public var wakeMillis: Int64? {
        if state.isPaused { return nil }
        return definition.times.next(afterMillis: state.decidedMillis).map { $0 + delay(of: $0) }
    }

    /// The next slots, for people.
    public func upcoming(_ count: Int) -> [Int64] {
        var slots: [Int64] = []
        var after = state.decidedMillis
        while slots.count < count, let slot = definition.times.next(afterMillis: after) {
            slots.append(slot)
            after = slot
        }
        return slots
    }

    // MARK: What happened

    /// The slot's run is open; the same run may be told again.
    public mutating func started(_ slot: ScheduleSlot, run: RunID, at now: Int64) {
        state.counts.started += 1
        state.recent.append(ScheduleState.Start(slot: slot, startedMillis: now, run: run))
        if state.recent.count > ScheduleState.maxRecent { state.recent.removeFirst() }
        if !state.running.contains(run) { state.running.append(run) }
    }

    /// The slot's run could not be started, and will not be.
    public mutating func failed(_ slot: ScheduleSlot, reason: String) {
        state.counts.failed += 1
        state.lastFailure = reason
    }

    /// A run has ended; runs that are not its own are passed over.
    public mutating func runEnded(_ run: RunID) {
        state.running.removeAll { $0 == run }
        state.stopping.remove(run)
    }

    /// A run that had ended goes on.
    ///
    /// - Returns: whether it is open again for this schedule: it is among its last starts.
    public mutating func runReopened(_ run: RunID) -> Bool {
        guard state.recent.contains(where: { $0.run == run }), !state.running.contains(run) else {
            return false
        }
        state.running.append(run)
        return true
    }

    /// A run goes on as another one.
    public mutating func runContinued(_ run: RunID, as successor: RunID) {
        for index in state.running.indices where state.running[index] == run {
            state.running[index] = successor
        }
        if state.stopping.remove(run) != nil { state.stopping.insert(successor) }
    }

    /// Somebody wants a run now, also while it is paused; the overlap policy holds.
    ///
    /// - Returns: the slot, and whether it waits or starts; `false`: it was left out.
    public mutating func trigger(at now: Int64) -> (slot: ScheduleSlot, isTaken: Bool) {
        let last = (state.recent.map(\.slot) + state.waiting).filter(\.isTriggered).map(\.millis)
        let slot = ScheduleSlot(millis: max(now, (last.max() ?? .min / 2) + 1), isTriggered: true)
        return (slot, take(slot))
    }

    /// From now on its slots pass by.
    public mutating func pause(reason: String, at now: Int64) {
        state.isPaused = true
        state.pauseReason = reason
        state.updatedMillis = now
    }

    /// Goes on with the slots after now; those that passed by are gone.
    public mutating func resume(reason: String, at now: Int64) {
        if state.isPaused { state.decidedMillis = max(state.decidedMillis, now) }
        state.isPaused = false
        state.pauseReason = reason
        state.updatedMillis = now
    }

    /// Another definition for the same schedule: slots after now count, the open runs stay its own.
    /// Slots of the old times that wait are left out, those that somebody triggered are not.
    public mutating func replace(_ definition: ScheduleDefinition, at now: Int64) {
        if definition.times != self.definition.times {
            state.counts.skipped += Int64(state.waiting.count { !$0.isTriggered })
            state.waiting.removeAll { !$0.isTriggered }
            state.decidedMillis = max(now, state.decidedMillis)
        }
        self.definition = definition
        state.updatedMillis = now
    }

    // MARK: Slots

    private func delay(of slot: Int64) -> Int64 {
        definition.times.delay(
            ofSlot: slot, jitterMillis: definition.jitterMillis, of: definition.id)
    }

    /// Whether a slot was due and has been decided.
    private mutating func decideSlot(dueAtMillis now: Int64) -> Bool {
        guard let slot = definition.times.next(afterMillis: state.decidedMillis),
            slot + delay(of: slot) <= now
        else { return false }
        if now - slot > definition.catchUpMillis + definition.jitterMillis {
            leaveOut(slot, now: now)
        } else {
            state.decidedMillis = slot
            _ = take(ScheduleSlot(millis: slot))
        }
        return true
    }

    /// Passes over a slot that is too old, and in one go over most that follow it.
    private mutating func leaveOut(_ slot: Int64, now: Int64) {
        let oldest = now - definition.catchUpMillis - definition.jitterMillis
        var last = slot
        var count: Int64 = 1
        while count < Self.slotsPerLook, let next = definition.times.next(afterMillis: last),
            next < oldest
        {
            last = next
            count += 1
        }
        state.counts.missed += count
        state.decidedMillis = count < Self.slotsPerLook ? last : oldest - 1
    }

    /// Lets a slot wait for its start, or leaves it out.
    private mutating func take(_ slot: ScheduleSlot) -> Bool {
        let isFree = state.running.isEmpty && state.waiting.isEmpty
        let limit: Int
        switch definition.overlap {
        case .allowAll, .bufferAll: limit = ScheduleState.maxWaiting
        case .skip: limit = isFree ? 1 : 0
        case .bufferOne: limit = 1
        case .cancelOther, .terminateOther:
            state.counts.skipped += Int64(state.waiting.count)
            state.waiting = []
            limit = 1
        }
        guard state.waiting.count < limit else {
            state.counts.skipped += 1
            return false
        }
        state.waiting.append(slot)
        return true
    }

    private mutating func takeWaiting() -> ScheduleSlot? {
        guard state.running.isEmpty || definition.overlap == .allowAll else { return nil }
        let first = state.waiting.firstIndex { !state.isPaused || $0.isTriggered }
        return first.map { state.waiting.remove(at: $0) }
    }

    /// Stops what stands in the way of a waiting slot, once.
    private mutating func stop() -> Action? {
        let isStopper = [.cancelOther, .terminateOther].contains(definition.overlap)
        guard isStopper, !state.waiting.isEmpty else { return nil }
        let open = state.running.filter { !state.stopping.contains($0) }
        if open.isEmpty { return nil }
        state.stopping.formUnion(open)
        return definition.overlap == .cancelOther ? .cancel(open) : .terminate(open)
    }
}
