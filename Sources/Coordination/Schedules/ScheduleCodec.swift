/// Stored forms of schedules: the definition, written when it is put, and the small state, written
/// with every slot. Format version first.
public enum ScheduleCodec {
    private static let version: UInt8 = 1

    // MARK: Definition

    /// Writes a definition.
    public static func encode(_ definition: ScheduleDefinition) -> [UInt8] {
        var writer = ByteWriter(capacity: definition.input.bytes.count + 512)
        writer.byte(version)
        writer.string(definition.id)
        writer.string(definition.namespace.name)
        writer.string(definition.workflow)
        writer.string(definition.workflowIDPrefix)
        writer.payload(definition.input)
        write(definition.times, &writer)
        writer.signed(definition.jitterMillis)
        writer.byte(definition.overlap.rawValue)
        writer.signed(definition.catchUpMillis)
        writer.string(definition.note)
        return writer.bytes
    }

    /// Reads what ``encode(_:)-(ScheduleDefinition)`` wrote.
    public static func definition(_ bytes: [UInt8]) throws(CodecError) -> ScheduleDefinition {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: version)
        let (id, namespace) = (try reader.string(), Namespace(try reader.string()))
        let (workflow, prefix) = (try reader.string(), try reader.string())
        let input = try reader.payload()
        let times = try times(&reader)
        let jitter = try reader.signed()
        guard let overlap = ScheduleDefinition.Overlap(rawValue: try reader.byte()) else {
            throw CodecError("an unknown overlap policy", at: bytes.count - reader.remaining)
        }
        return ScheduleDefinition(
            id: id, namespace: namespace, workflow: workflow, workflowIDPrefix: prefix,
            input: input, times: times,
            jitterMillis: jitter, overlap: overlap, catchUpMillis: try reader.signed(),
            note: try reader.string())
    }

    private static func write(_ times: ScheduleTimes, _ writer: inout ByteWriter) {
        writer.array(times.crons) { $0.string($1.description) }
        writer.array(times.intervals) {
            $0.signed($1.everySeconds)
            $0.signed($1.offsetSeconds)
        }
        writer.string(times.zone.name)
        writer.signed(Int64(times.zone.firstOffset))
        writer.array(times.zone.transitions) {
            $0.signed($1.at)
            $0.signed(Int64($1.offset))
        }
        writer.optional(times.startMillis) { $0.signed($1) }
        writer.optional(times.endMillis) { $0.signed($1) }
    }

    private static func times(_ reader: inout ByteReader) throws(CodecError) -> ScheduleTimes {
        let crons = try reader.array { (reader) throws(CodecError) in
            let text = try reader.string()
            do throws(CronExpression.ParseFailure) {
                return try CronExpression(parsing: text)
            } catch {
                throw CodecError("cron: \(error.message)", at: 0)
            }
        }
        let intervals = try reader.array { (reader) throws(CodecError) in
            ScheduleTimes.Interval(
                everySeconds: max(1, try reader.signed()), offsetSeconds: try reader.signed())
        }
        let (name, first) = (try reader.string(), try reader.signed())
        let transitions = try reader.array { (reader) throws(CodecError) in
            TimeZoneTable.Transition(
                at: try reader.signed(), offset: Int32(truncatingIfNeeded: try reader.signed()))
        }
        return ScheduleTimes(
            crons: crons, intervals: intervals,
            zone: TimeZoneTable(
                name: name, firstOffset: Int32(truncatingIfNeeded: first),
                transitions: transitions),
            startMillis: try reader.optionalSigned(),
            endMillis: try reader.optionalSigned())
    }

    // MARK: State

    /// Writes a state.
    public static func encode(_ state: ScheduleState) -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.byte(version)
        writer.signed(state.createdMillis)
        writer.signed(state.updatedMillis)
        writer.bool(state.isPaused)
        writer.string(state.pauseReason)
        writer.signed(state.decidedMillis)
        writer.array(state.waiting) { write($1, &$0) }
        writer.array(state.running) { $0.unsigned($1.serial.rawValue) }
        writer.array(state.stopping.sorted()) { $0.unsigned($1.serial.rawValue) }
        writer.array(state.recent) {
            write($1.slot, &$0)
            $0.signed($1.startedMillis)
            $0.unsigned($1.run.serial.rawValue)
        }
        let counts = state.counts
        for count in [counts.started, counts.skipped, counts.missed, counts.failed] {
            writer.signed(count)
        }
        writer.string(state.lastFailure)
        return writer.bytes
    }

    /// Reads what ``encode(_:)-(ScheduleState)`` wrote.
    public static func state(_ bytes: [UInt8]) throws(CodecError) -> ScheduleState {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: version)
        var state = ScheduleState(atMillis: try reader.signed())
        state.updatedMillis = try reader.signed()
        state.isPaused = try reader.bool()
        state.pauseReason = try reader.string()
        state.decidedMillis = try reader.signed()
        state.waiting = try reader.array(slot)
        state.running = try reader.array(run)
        state.stopping = Set(try reader.array(run))
        state.recent = try reader.array { (reader) throws(CodecError) in
            ScheduleState.Start(
                slot: try slot(&reader), startedMillis: try reader.signed(), run: try run(&reader))
        }
        state.counts.started = try reader.signed()
        state.counts.skipped = try reader.signed()
        state.counts.missed = try reader.signed()
        state.counts.failed = try reader.signed()
        state.lastFailure = try reader.string()
        return state
    }

    private static func write(_ slot: ScheduleSlot, _ writer: inout ByteWriter) {
        writer.signed(slot.millis)
        writer.bool(slot.isTriggered)
    }

    private static func slot(_ reader: inout ByteReader) throws(CodecError) -> ScheduleSlot {
        ScheduleSlot(millis: try reader.signed(), isTriggered: try reader.bool())
    }

    private static func run(_ reader: inout ByteReader) throws(CodecError) -> RunID {
        try reader.runID()
    }
}
