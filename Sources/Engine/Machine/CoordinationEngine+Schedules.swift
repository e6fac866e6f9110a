import Coordination
import Store

/// Schedules: what callers ask of them.
extension CoordinationEngine {
    mutating func decide(_ command: ScheduleCommand, _ ticket: ReplyTicket) {
        switch command {
        case .put(let definition, let by): putSchedule(definition, by, ticket)
        case .get(let name):
            guard let schedule = find(name, ticket) else { return }
            answer(ticket, .schedule(.one(view(schedule))), seen: seen(schedule))
        case .list(let namespace, let after, let limit):
            listSchedules(namespace, after: after, limit: limit, ticket)
        case .delete(let name, let by): deleteSchedule(name, by, ticket)
        case .pause(let name, let reason, let by): setPaused(name, true, reason, by, ticket)
        case .resume(let name, let reason, let by): setPaused(name, false, reason, by, ticket)
        case .trigger(let name, let requestID, let by): trigger(name, requestID, by, ticket)
        }
    }

    private mutating func view(_ schedule: Int32) -> ScheduleView {
        ScheduleView(schedules.cells[schedule].machine)
    }

    private mutating func seen(_ schedule: Int32) -> BatchNumber {
        max(schedules.cells[schedule].changedIn, schedules.changedIn)
    }

    private mutating func find(_ name: ScheduleName, _ ticket: ReplyTicket) -> Int32? {
        let scoped = ScopedName(namespace: name.namespace, name: name.id)
        if let schedule = schedules.index[scoped] { return schedule }
        let known = schedules.index.keys.filter { $0.namespace == name.namespace }.map(\.name)
        reject(
            ticket, .unknownSchedule(name.id, known: known.sorted()), seen: schedules.changedIn)
        return nil
    }

    /// A line in the audit log about a change of a schedule.
    private mutating func audit(
        _ action: String, _ name: ScopedName, _ by: Signature, before: String = "",
        after: String = ""
    ) {
        audit(
            namespace: name.namespace, actor: by.actor, action: action,
            subject: "schedule/\(name.name)", before: before, after: after,
            requestID: by.requestID)
    }

    private mutating func putSchedule(
        _ definition: ScheduleDefinition, _ by: Signature, _ ticket: ReplyTicket
    ) {
        if isDraining { return reject(ticket, .draining) }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        let workflow = ScopedName(namespace: definition.namespace, name: definition.workflow)
        guard definitions[workflow] != nil else {
            let known = definitionNames(in: definition.namespace)
            return reject(
                ticket, .unknownWorkflow(definition.workflow, known: known),
                seen: definitionsChangedIn)
        }
        let name = ScopedName(namespace: definition.namespace, name: definition.id)
        let schedule: Int32
        var before = ""
        if let known = schedules.index[name] {
            schedule = known
            if schedules.cells[schedule].machine.definition == definition {
                let answer = ScheduleAnswer.put(changed: false, view(schedule))
                return self.answer(ticket, .schedule(answer), seen: seen(schedule))
            }
            before = "starts \(schedules.cells[schedule].machine.definition.workflow)"
            schedules.cells[schedule].machine.replace(definition, at: now.wallMillis)
        } else {
            guard schedules.index.count < limits.maxSchedules else {
                return reject(ticket, .tooManySchedules(limits.maxSchedules))
            }
            schedule = insert(
                ScheduleMachine(definition, ScheduleState(atMillis: now.wallMillis)))
        }
        put(
            EntityRow(
                kind: .schedule, namespace: name.namespace.name, key: name.name,
                blob: ScheduleCodec.encode(definition)))
        store(schedule)
        audit(
            "PutSchedule", name, by, before: before, after: "starts \(definition.workflow)")
        schedules.changedIn = filling
        schedules.markDue(schedule)
        answer(ticket, .schedule(.put(changed: true, view(schedule))), seen: filling)
    }

    private mutating func listSchedules(
        _ namespace: Namespace, after: String?, limit: Int, _ ticket: ReplyTicket
    ) {
        let names = schedules.index.keys.filter { $0.namespace == namespace }.map(\.name)
            .filter { after?.utf8.lexicographicallyPrecedes($0.utf8) ?? true }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let page = names.prefix(limit).compactMap {
            schedules.index[ScopedName(namespace: namespace, name: $0)]
        }
        let newest = page.reduce(schedules.changedIn) { max($0, schedules.cells[$1].changedIn) }
        let answer = ScheduleAnswer.list(page.map { view($0) }, more: names.count > page.count)
        self.answer(ticket, .schedule(answer), seen: newest)
    }

    private mutating func deleteSchedule(
        _ name: ScheduleName, _ by: Signature, _ ticket: ReplyTicket
    ) {
        guard let schedule = find(name, ticket) else { return }
        for run in schedules.cells[schedule].machine.state.running {
            schedules.disown(run, schedule)
        }
        if schedules.cells[schedule].timer >= 0 { timers.remove(schedules.cells[schedule].timer) }
        schedules.cells.remove(schedule)
        schedules.index[ScopedName(namespace: name.namespace, name: name.id)] = nil
        for kind in [EntityKind.schedule, .scheduleState] {
            put(EntityRow(kind: kind, namespace: name.namespace.name, key: name.id, blob: nil))
        }
        audit("DeleteSchedule", ScopedName(namespace: name.namespace, name: name.id), by)
        schedules.changedIn = filling
        answer(ticket, .schedule(.deleted), seen: filling)
    }

    private mutating func setPaused(
        _ name: ScheduleName, _ isPaused: Bool, _ reason: String, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        guard let schedule = find(name, ticket) else { return }
        if schedules.cells[schedule].machine.state.isPaused != isPaused {
            if isPaused {
                schedules.cells[schedule].machine.pause(reason: reason, at: now.wallMillis)
            } else {
                schedules.cells[schedule].machine.resume(reason: reason, at: now.wallMillis)
            }
            store(schedule)
            schedules.markDue(schedule)
            audit(
                isPaused ? "PauseSchedule" : "ResumeSchedule",
                ScopedName(namespace: name.namespace, name: name.id), by, after: reason)
        }
        answer(ticket, .schedule(.one(view(schedule))), seen: seen(schedule))
    }

    private mutating func trigger(
        _ name: ScheduleName, _ requestID: String, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: name.namespace, method: TriggeredAnswer.method, requestID: requestID)
        var hash = StableHash()
        hash.combine(name.id)
        switch rememberedAnswer(key, hash: hash.value) {
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            do throws(CodecError) {
                return answer(ticket, .schedule(try TriggeredAnswer.decode(bytes)), seen: seen)
            } catch {
                return reject(ticket, .unreadableAnswer(error), seen: seen)
            }
        case .new: break
        }
        if isDraining { return reject(ticket, .draining) }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        guard let schedule = find(name, ticket) else { return }
        let (slot, isTaken) = schedules.cells[schedule].machine.trigger(at: now.wallMillis)
        store(schedule)
        schedules.markDue(schedule)
        let workflowID = schedules.cells[schedule].machine.definition.workflowID(of: slot)
        remember(
            key, hash: hash.value, answer: TriggeredAnswer.encode(slot, workflowID, isTaken))
        audit(
            "TriggerSchedule", ScopedName(namespace: name.namespace, name: name.id), by,
            after: isTaken ? workflowID : "left out by the overlap policy")
        let triggered = ScheduleAnswer.triggered(slot, workflowID: workflowID, isTaken: isTaken)
        answer(ticket, .schedule(triggered), seen: filling)
    }
}

/// What a trigger answered.
private enum TriggeredAnswer {
    static let method = "TriggerSchedule"

    /// Format version, slot, workflow id, whether it was taken.
    static func encode(
        _ slot: ScheduleSlot, _ workflowID: String, _ isTaken: Bool
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: workflowID.utf8.count + 16)
        writer.byte(1)
        writer.signed(slot.millis)
        writer.string(workflowID)
        writer.bool(isTaken)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> ScheduleAnswer {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        let slot = ScheduleSlot(millis: try reader.signed(), isTriggered: true)
        return .triggered(
            slot, workflowID: try reader.string(), isTaken: try reader.bool())
    }
}
