/// Everything about the mode of one namespace: who decides it, what is planned for an emergency, and
/// how far that is.
public struct ModeState: Sendable {
    /// Decides the mode.
    public var coordinator: OperatingModeCoordinator
    /// What an emergency sets in motion.
    public var plan = EmergencyPlan()
    /// How far that is.
    public var response = EmergencyResponse()

    /// Normal, with nothing planned.
    public init(at now: EngineTime) { coordinator = OperatingModeCoordinator(at: now) }
}

/// The stored form of a ``ModeState``.
public enum ModeCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 1

    /// Packs it.
    public static func encode(_ state: ModeState) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.byte(version)
        let policy = state.coordinator.policy
        writer.count(policy.degradedAtHigh)
        writer.count(policy.normalAtHigh)
        writer.signed(policy.dwellMillis)
        writer.signed(policy.calmMillis)
        let stored = state.coordinator.stored
        writer.byte(stored.automatic.rawValue)
        writer.optional(stored.override) { $1.write(to: &$0) }
        writer.signed(stored.changedMillis)
        writer.bool(stored.wasEmergency)
        write(state.plan, &writer)
        state.response.write(to: &writer)
        return writer.bytes
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``. Orders that were not
    /// acknowledged are due at once.
    public static func decode(_ blob: [UInt8], at now: EngineTime) throws(CodecError) -> ModeState {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let policy = ModePolicy(
            degradedAtHigh: try reader.int(), normalAtHigh: try reader.int(),
            dwellMillis: try reader.signed(), calmMillis: try reader.signed())
        let stored = StoredMode(
            automatic: try OperatingMode(from: &reader),
            override: try reader.optional { reader throws(CodecError) in
                try ModeOverride(from: &reader)
            },
            changedMillis: try reader.signed(), wasEmergency: try reader.bool())
        var state = ModeState(at: now)
        state.coordinator = OperatingModeCoordinator(policy, stored: stored, at: now)
        state.plan = try readPlan(&reader)
        state.response = try EmergencyResponse(from: &reader)
        state.response.resumed(at: now)
        return state
    }

    /// A plan alone, for telling a repeated request from a changed one.
    public static func encode(_ plan: EmergencyPlan) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        write(plan, &writer)
        return writer.bytes
    }

    private static func write(_ plan: EmergencyPlan, _ writer: inout ByteWriter) {
        writer.signed(plan.retryMillis)
        writer.signed(plan.maxRetryMillis)
        writer.array(plan.actions) { $1.write(to: &$0) }
    }

    private static func readPlan(_ reader: inout ByteReader) throws(CodecError) -> EmergencyPlan {
        let retry = try reader.signed()
        let longest = try reader.signed()
        return EmergencyPlan(
            actions: try reader.array { reader throws(CodecError) in
                try EmergencyAction(from: &reader)
            }, retryMillis: retry, maxRetryMillis: longest)
    }
}

extension OperatingMode {
    init(from reader: inout ByteReader) throws(CodecError) {
        guard let mode = OperatingMode(rawValue: try reader.byte()) else {
            throw CodecError("no such operating mode", at: 0)
        }
        self = mode
    }
}

extension ModeOverride {
    func write(to writer: inout ByteWriter) {
        writer.byte(mode.rawValue)
        writer.string(reason)
        writer.string(actor)
        writer.signed(sinceMillis)
        writer.optional(untilMillis) { $0.signed($1) }
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        mode = try OperatingMode(from: &reader)
        reason = try reader.string()
        actor = try reader.string()
        sinceMillis = try reader.signed()
        untilMillis = try reader.optionalSigned()
    }
}

extension EmergencyAction {
    func write(to writer: inout ByteWriter) {
        writer.string(name)
        for call in [apply, undo] {
            writer.optional(call) { writer, call in
                writer.string(call.agentType)
                writer.string(call.operation)
                writer.payload(call.payload)
            }
        }
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        func call(_ reader: inout ByteReader) throws(CodecError) -> Call? {
            try reader.optional { reader throws(CodecError) in
                Call(
                    agentType: try reader.string(), operation: try reader.string(),
                    payload: try reader.payload())
            }
        }
        name = try reader.string()
        apply = try call(&reader)
        undo = try call(&reader)
    }
}

extension EmergencyResponse {
    func write(to writer: inout ByteWriter) {
        writer.unsigned(lastNumber)
        writer.signed(episodes)
        writer.array(progress) { writer, entry in
            entry.action.write(to: &writer)
            writer.unsigned(entry.number)
            writer.bool(entry.isUndo)
            writer.count(entry.attempts)
            writer.bool(entry.isAcknowledged)
        }
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        lastNumber = try reader.unsigned()
        episodes = try reader.signed()
        progress = try reader.array { reader throws(CodecError) in
            Progress(
                action: try EmergencyAction(from: &reader), number: try reader.unsigned(),
                isUndo: try reader.bool(), attempts: try reader.int(),
                isAcknowledged: try reader.bool(), nextNanos: 0)
        }
    }
}
