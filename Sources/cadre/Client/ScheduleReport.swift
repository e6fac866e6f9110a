import JSON
import Messages

/// Schedules as a person or a program reads them.
enum ScheduleReport {
    static func show(_ info: ScheduleInfo, _ format: OutputFormat) {
        switch format {
        case .json: printJSON { $0.members(of: info) }
        case .table: printVisible(text(info))
        }
    }

    static func show(_ all: [ScheduleInfo], _ format: OutputFormat) {
        switch format {
        case .json:
            printJSON {
                $0.member("schedules", all) {
                    $0.beginObject()
                    $0.members(of: $1)
                    $0.endObject()
                }
            }
        case .table:
            var table = TextTable("SCHEDULE", "WORKFLOW", "TIMES", "STATE", "NEXT", "STARTED")
            for info in all {
                let schedule = info.schedule ?? Schedule()
                table.add(
                    schedule.id, schedule.workflow, times(schedule), state(info),
                    info.nextUnixMillis.first.map(Instant.text) ?? "", "\(info.started)")
            }
            printVisible(table.text)
        }
    }

    private static func text(_ info: ScheduleInfo) -> String {
        let schedule = info.schedule ?? Schedule()
        var lines = ["\(schedule.id)  starts \(schedule.workflow)  \(state(info))"]
        lines.append("times: \(times(schedule))  overlap: \(schedule.overlap.word)")
        if !schedule.note.isEmpty { lines.append("note: \(schedule.note)") }
        lines.append(
            "started \(info.started), skipped \(info.skipped), missed \(info.missed), "
                + "failed \(info.failed), waiting \(info.waiting), open \(info.openRunIDs.count)")
        if !info.lastFailure.isEmpty { lines.append("last failure: \(info.lastFailure)") }
        if !info.nextUnixMillis.isEmpty {
            let next = info.nextUnixMillis.map(Instant.text)
            lines.append("next: " + next.joined(separator: "  "))
        }
        if !info.recent.isEmpty {
            var table = TextTable("TIME", "STARTED", "RUN")
            for start in info.recent.reversed() {
                table.add(
                    Instant.text(start.slotUnixMillis) + (start.triggered ? " (triggered)" : ""),
                    Instant.text(start.startedUnixMillis), start.runID)
            }
            lines.append(table.text)
        }
        return lines.joined(separator: "\n")
    }

    private static func state(_ info: ScheduleInfo) -> String {
        if info.paused {
            return info.pauseReason.isEmpty ? "paused" : "paused: \(info.pauseReason)"
        }
        return info.nextUnixMillis.isEmpty ? "ended" : "active"
    }

    private static func times(_ schedule: Schedule) -> String {
        let crons = schedule.cron.map { "\($0) \(schedule.timeZone)" }
        let intervals = schedule.intervals.map { interval in
            "every \(interval.everySeconds) s"
                + (interval.offsetSeconds > 0 ? " + \(interval.offsetSeconds) s" : "")
        }
        return (crons + intervals).joined(separator: ", ")
    }
}

extension JSONWriter {
    fileprivate mutating func members(of info: ScheduleInfo) {
        let schedule = info.schedule ?? Schedule()
        member("id", schedule.id)
        member("workflow", schedule.workflow)
        member("workflow_id_prefix", schedule.workflowIDPrefix)
        member("cron", schedule.cron)
        member("intervals", schedule.intervals) {
            $0.beginObject()
            $0.member("every_seconds", $1.everySeconds)
            $0.member("offset_seconds", $1.offsetSeconds)
            $0.endObject()
        }
        member("time_zone", schedule.timeZone)
        member("overlap", schedule.overlap.word)
        member("jitter_millis", schedule.jitterMillis)
        member("catch_up_millis", schedule.catchUpMillis)
        member("start_unix_millis", schedule.startUnixMillis)
        member("end_unix_millis", schedule.endUnixMillis)
        member("note", schedule.note)
        key("input")
        payload(schedule.input ?? Payload(data: Array("{}".utf8)))
        member("paused", info.paused)
        member("pause_reason", info.pauseReason)
        member("next_unix_millis", info.nextUnixMillis) { $0.integer($1) }
        member("recent", info.recent) {
            $0.beginObject()
            $0.member("slot_unix_millis", $1.slotUnixMillis)
            $0.member("triggered", $1.triggered)
            $0.member("started_unix_millis", $1.startedUnixMillis)
            $0.member("run_id", $1.runID)
            $0.endObject()
        }
        member("open_run_ids", info.openRunIDs)
        member("waiting", info.waiting)
        member("started", info.started)
        member("skipped", info.skipped)
        member("missed", info.missed)
        member("failed", info.failed)
        member("last_failure", info.lastFailure)
    }
}
