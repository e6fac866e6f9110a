import Coordination
import Engine
import GRPC
import JSON
import Messages

/// Reads a schedule off the wire and names everything that is wrong with it.
struct ScheduleReader {
    private let schedule: Schedule
    private let namespace: Namespace
    private let zones: TimeZoneSource
    private(set) var faults = FieldFaults()

    private static let maxInputBytes = 256 << 10
    private static let hour: Int64 = 3_600_000

    init(_ schedule: Schedule, namespace: Namespace, zones: @escaping TimeZoneSource) {
        self.schedule = schedule
        self.namespace = namespace
        self.zones = zones
    }

    /// The definition; of no use when there are faults.
    mutating func definition() -> ScheduleDefinition {
        checkNames()
        checkNumbers()
        return ScheduleDefinition(
            id: schedule.id, namespace: namespace, workflow: schedule.workflow,
            workflowIDPrefix: schedule.workflowIDPrefix.isEmpty
                ? schedule.id : schedule.workflowIDPrefix,
            input: input(), times: times(), jitterMillis: schedule.jitterMillis,
            overlap: overlap(),
            catchUpMillis: schedule.catchUpMillis == 0 ? Self.hour : schedule.catchUpMillis,
            note: schedule.note)
    }

    private mutating func checkNames() {
        faults.checkName(schedule.id, "schedule.id")
        faults.check(schedule.id.utf8.count <= 128, "schedule.id", "is over 128 bytes")
        faults.checkName(schedule.workflow, "schedule.workflow")
        faults.check(
            schedule.workflowIDPrefix.utf8.count <= 128, "schedule.workflow_id_prefix",
            "is over 128 bytes")
        faults.check(schedule.note.utf8.count <= 1_024, "schedule.note", "is over 1,024 bytes")
    }

    private mutating func checkNumbers() {
        let latest: Int64 = 253_402_300_799_999
        for (name, value, limit) in [
            ("jitter_millis", schedule.jitterMillis, 24 * Self.hour),
            ("catch_up_millis", schedule.catchUpMillis, 30 * 24 * Self.hour),
            ("start_unix_millis", schedule.startUnixMillis, latest),
            ("end_unix_millis", schedule.endUnixMillis, latest),
        ] {
            faults.check(
                (0...limit).contains(value), "schedule.\(name)", "is \(value); 0 to \(limit)")
        }
        faults.check(
            schedule.endUnixMillis == 0 || schedule.endUnixMillis > schedule.startUnixMillis,
            "schedule.end_unix_millis", "is not behind the start")
    }

    private mutating func input() -> Coordination.Payload {
        let input = Coordination.Payload(orEmptyObject: schedule.input)
        if input.contentType != Coordination.Payload.json {
            faults.check(false, "schedule.input.content_type", "must be application/json")
        } else if input.bytes.count > Self.maxInputBytes {
            faults.check(false, "schedule.input", "is over \(Self.maxInputBytes) bytes")
        } else if (try? JSONDocument(parsing: input.bytes)) == nil {
            faults.check(false, "schedule.input", "is not JSON")
        }
        return input
    }

    private mutating func overlap() -> ScheduleDefinition.Overlap {
        if schedule.overlap == .unspecified { return .skip }
        let known = UInt8(exactly: schedule.overlap.rawValue)
            .flatMap(ScheduleDefinition.Overlap.init)
        faults.check(
            known != nil, "schedule.overlap",
            "is \(schedule.overlap.rawValue), which this server does not know")
        return known ?? .skip
    }

    private mutating func times() -> ScheduleTimes {
        faults.check(schedule.cron.count <= 10, "schedule.cron", "has over ten expressions")
        faults.check(schedule.intervals.count <= 10, "schedule.intervals", "has over ten")
        faults.check(
            !schedule.cron.isEmpty || !schedule.intervals.isEmpty, "schedule.cron",
            "or schedule.intervals must say when it is due")
        return ScheduleTimes(
            crons: crons(), intervals: intervals(), zone: zone(),
            startMillis: schedule.startUnixMillis == 0 ? nil : schedule.startUnixMillis,
            endMillis: schedule.endUnixMillis == 0 ? nil : schedule.endUnixMillis)
    }

    private mutating func crons() -> [CronExpression] {
        var crons: [CronExpression] = []
        for (index, text) in schedule.cron.prefix(10).enumerated() {
            do throws(CronExpression.ParseFailure) {
                crons.append(try CronExpression(parsing: text))
            } catch {
                faults.check(
                    false, "schedule.cron[\(index)]",
                    Excerpt(error.message, maxBytes: 300).description)
            }
        }
        return crons
    }

    private mutating func intervals() -> [ScheduleTimes.Interval] {
        let most = ScheduleTimes.maxIntervalSeconds
        var intervals: [ScheduleTimes.Interval] = []
        for (index, interval) in schedule.intervals.prefix(10).enumerated() {
            let isRight = (1...most).contains(interval.everySeconds)
            faults.check(
                isRight, "schedule.intervals[\(index)].every_seconds",
                "is \(interval.everySeconds); 1 to \(most)")
            guard isRight else { continue }
            faults.check(
                (0..<interval.everySeconds).contains(interval.offsetSeconds),
                "schedule.intervals[\(index)].offset_seconds",
                "is \(interval.offsetSeconds); 0 to below every_seconds")
            intervals.append(
                ScheduleTimes.Interval(
                    everySeconds: interval.everySeconds, offsetSeconds: interval.offsetSeconds))
        }
        return intervals
    }

    private mutating func zone() -> TimeZoneTable {
        let name = schedule.timeZone
        if name.isEmpty || name == "UTC" { return .utc }
        let table = name.utf8.count <= 64 ? zones(name) : nil
        faults.check(
            table != nil, "schedule.time_zone",
            "is no zone of this server's database; write an IANA name such as Europe/Berlin")
        return table ?? .utc
    }
}

extension Schedule {
    init(_ definition: ScheduleDefinition) {
        self.init()
        id = definition.id
        workflow = definition.workflow
        workflowIDPrefix = definition.workflowIDPrefix
        input = Messages.Payload(definition.input)
        cron = definition.times.crons.map(\.description)
        intervals = definition.times.intervals.map {
            ScheduleInterval(everySeconds: $0.everySeconds, offsetSeconds: $0.offsetSeconds)
        }
        timeZone = definition.times.zone.name
        startUnixMillis = definition.times.startMillis ?? 0
        endUnixMillis = definition.times.endMillis ?? 0
        jitterMillis = definition.jitterMillis
        overlap = OverlapPolicy(rawValue: Int32(definition.overlap.rawValue))
        catchUpMillis = definition.catchUpMillis
        note = definition.note
    }
}

extension ScheduleInfo {
    init(_ view: ScheduleView) {
        self.init()
        let state = view.state
        schedule = Schedule(view.definition)
        paused = state.isPaused
        pauseReason = state.pauseReason
        createdUnixMillis = state.createdMillis
        updatedUnixMillis = state.updatedMillis
        nextUnixMillis = view.upcomingMillis
        recent = state.recent.map {
            ScheduleStart(
                slotUnixMillis: $0.slot.millis, triggered: $0.slot.isTriggered,
                startedUnixMillis: $0.startedMillis, runID: $0.run.description)
        }
        openRunIDs = state.running.map(\.description)
        waiting = Int32(clamping: state.waiting.count)
        started = state.counts.started
        skipped = state.counts.skipped
        missed = state.counts.missed
        failed = state.counts.failed
        lastFailure = state.lastFailure
    }
}
