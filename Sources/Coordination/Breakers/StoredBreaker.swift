/// What of a breaker outlives its process: all but the window and the permits that are out.
public struct StoredBreaker: Sendable, Hashable {
    var phase: Breaker.Phase
    var generation: UInt32
    var override: BreakerOverride?
    var lastTrip: BreakerTrip?
    var counts: BreakerCounts
    var changedMillis: Int64
    var streak: Int
    /// While open: when probes may go, milliseconds since 1970; `nil`: never by itself.
    var untilMillis: Int64?
}

extension Breaker {
    /// What to store of it now.
    public func stored(at now: EngineTime) -> StoredBreaker {
        let isTimed = phase == .open && sinceOrUntilNanos != .max
        return StoredBreaker(
            phase: phase, generation: generation, override: override, lastTrip: lastTrip,
            counts: counts, changedMillis: changedMillis, streak: streak,
            untilMillis: isTimed ? now.wallMillis(atNanos: sinceOrUntilNanos) : nil)
    }

    /// The breaker that an earlier process left: an open one stays open for the time that is left,
    /// also when the process was away for some of it.
    public init(_ policy: BreakerPolicy, stored: StoredBreaker, at now: EngineTime) {
        self.init(policy, at: now)
        resume(stored, at: now)
    }
}

extension StoredBreaker {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 1

    /// Appends it.
    func write(to writer: inout ByteWriter) {
        writer.byte(Self.version)
        writer.byte(phase.rawValue)
        writer.unsigned(UInt64(generation))
        writer.optional(override) { $1.write(to: &$0) }
        writer.optional(lastTrip) { $1.write(to: &$0) }
        counts.write(to: &writer)
        writer.signed(changedMillis)
        writer.count(streak)
        writer.optional(untilMillis) { $0.signed($1) }
    }

    /// Reads what ``write(to:)`` appended.
    init(from reader: inout ByteReader) throws(CodecError) {
        _ = try reader.version(newest: Self.version)
        guard let phase = Breaker.Phase(rawValue: try reader.byte()) else {
            throw CodecError("no such phase of a breaker", at: 0)
        }
        self.phase = phase
        generation = UInt32(truncatingIfNeeded: try reader.unsigned())
        override = try reader.optional { reader throws(CodecError) in
            try BreakerOverride(from: &reader)
        }
        lastTrip = try reader.optional { reader throws(CodecError) in
            try BreakerTrip(from: &reader)
        }
        counts = try BreakerCounts(from: &reader)
        changedMillis = try reader.signed()
        streak = try reader.int()
        untilMillis = try reader.optionalSigned()
    }
}

extension BreakerOverride {
    func write(to writer: inout ByteWriter) {
        writer.byte(kind.rawValue)
        writer.string(reason)
        writer.string(actor)
        writer.signed(sinceMillis)
        writer.optional(untilMillis) { $0.signed($1) }
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        guard let kind = Kind(rawValue: try reader.byte()) else {
            throw CodecError("no such override", at: 0)
        }
        self.kind = kind
        reason = try reader.string()
        actor = try reader.string()
        sinceMillis = try reader.signed()
        untilMillis = try reader.optionalSigned()
    }
}

extension BreakerTrip {
    func write(to writer: inout ByteWriter) {
        writer.byte(rule.rawValue)
        writer.double(threshold)
        writer.double(observed)
        writer.count(calls)
        writer.count(failures)
        writer.count(slowCalls)
        writer.signed(atMillis)
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        guard let rule = Rule(rawValue: try reader.byte()) else {
            throw CodecError("no such rule", at: 0)
        }
        self.rule = rule
        threshold = try reader.double()
        observed = try reader.double()
        calls = try reader.int()
        failures = try reader.int()
        slowCalls = try reader.int()
        atMillis = try reader.signed()
    }
}

extension BreakerCounts {
    private var all: [Int64] {
        [successes, failures, excluded, slow, notPermitted, late, expired, trips, shadowTrips]
    }

    func write(to writer: inout ByteWriter) {
        for count in all { writer.signed(count) }
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        successes = try reader.signed()
        failures = try reader.signed()
        excluded = try reader.signed()
        slow = try reader.signed()
        notPermitted = try reader.signed()
        late = try reader.signed()
        expired = try reader.signed()
        trips = try reader.signed()
        shadowTrips = try reader.signed()
    }
}
