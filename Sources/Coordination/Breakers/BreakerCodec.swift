/// The stored form of a breaker: what was put, and where it stands.
public enum BreakerCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 1

    /// Packs a breaker as of `now`.
    public static func encode(_ breaker: GuardingBreaker, at now: EngineTime) -> [UInt8] {
        var writer = ByteWriter(capacity: 192)
        writer.byte(version)
        write(breaker.definition, &writer)
        let stored = breaker.stored(at: now)
        writer.optional(stored.calls) { $1.write(to: &$0) }
        writer.optional(stored.metric) { $1.write(to: &$0) }
        return writer.bytes
    }

    /// Unpacks what ``encode(_:at:)`` packed, in any version up to ``version``.
    public static func decode(
        _ blob: [UInt8], at now: EngineTime
    ) throws(CodecError) -> GuardingBreaker {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let definition = try readDefinition(&reader)
        let calls = try reader.optional { reader throws(CodecError) in
            try StoredBreaker(from: &reader)
        }
        let metric = try reader.optional { reader throws(CodecError) in
            try StoredMetricBreaker(from: &reader)
        }
        return GuardingBreaker(definition, calls: calls, metric: metric, at: now)
    }

    /// A definition alone, for telling a repeated request from a changed one.
    public static func encode(_ definition: BreakerDefinition) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        write(definition, &writer)
        return writer.bytes
    }

    private static func write(_ definition: BreakerDefinition, _ writer: inout ByteWriter) {
        writer.string(definition.name)
        writer.string(definition.summary)
        writer.optional(definition.binding) { writer, binding in
            writer.string(binding.agentType)
            writer.string(binding.operation)
            writer.array(binding.excludedFailures) { $0.string($1) }
        }
        switch definition.rules {
        case .calls(let policy):
            writer.byte(1)
            write(policy, &writer)
        case .metric(let policy):
            writer.byte(2)
            write(policy, &writer)
        }
    }

    private static func readDefinition(
        _ reader: inout ByteReader
    ) throws(CodecError) -> BreakerDefinition {
        let name = try reader.string()
        let summary = try reader.string()
        let binding = try reader.optional { reader throws(CodecError) in
            BreakerDefinition.Binding(
                agentType: try reader.string(), operation: try reader.string(),
                excludedFailures: try reader.strings())
        }
        let rules: BreakerDefinition.Rules =
            switch try reader.byte() {
            case 1: .calls(try readPolicy(&reader))
            case 2: .metric(try readMetric(&reader))
            default: throw CodecError("no such kind of breaker", at: 0)
            }
        return BreakerDefinition(name: name, summary: summary, rules: rules, binding: binding)
    }

    private static func write(_ policy: BreakerPolicy, _ writer: inout ByteWriter) {
        switch policy.window {
        case .calls(let count):
            writer.byte(1)
            writer.count(count)
        case .millis(let millis):
            writer.byte(2)
            writer.signed(millis)
        }
        writer.count(policy.minimumCalls)
        writer.optional(policy.failureRate) { $0.double($1) }
        writer.optional(policy.slowCallRate) { $0.double($1) }
        writer.signed(policy.slowCallMillis)
        writer.optional(policy.failureCount) { $0.count($1) }
        writer.count(policy.halfOpenPermits)
        writer.count(policy.successesToClose)
        writer.signed(policy.permitMillis)
        writer.signed(policy.openMillis)
        writer.double(policy.openFactor)
        writer.signed(policy.maxOpenMillis)
        writer.double(policy.openJitter)
        writer.signed(policy.decayMillis)
        writer.byte(policy.severity.rawValue)
        writer.byte(policy.recovery.rawValue)
    }

    private static func readPolicy(_ reader: inout ByteReader) throws(CodecError) -> BreakerPolicy {
        var policy = BreakerPolicy()
        policy.window =
            try reader.byte() == 1 ? .calls(try reader.int()) : .millis(try reader.signed())
        policy.minimumCalls = try reader.int()
        policy.failureRate = try reader.optionalDouble()
        policy.slowCallRate = try reader.optionalDouble()
        policy.slowCallMillis = try reader.signed()
        policy.failureCount = try reader.optionalInt()
        policy.halfOpenPermits = try reader.int()
        policy.successesToClose = try reader.int()
        policy.permitMillis = try reader.signed()
        policy.openMillis = try reader.signed()
        policy.openFactor = try reader.double()
        policy.maxOpenMillis = try reader.signed()
        policy.openJitter = try reader.double()
        policy.decayMillis = try reader.signed()
        policy.severity = try readSeverity(&reader)
        policy.recovery = try readRecovery(&reader)
        guard policy.isWorkable else { throw CodecError("a breaker's policy is bad", at: 0) }
        return policy
    }

    private static func write(_ policy: MetricPolicy, _ writer: inout ByteWriter) {
        writer.byte(policy.direction.rawValue)
        writer.double(policy.tripAt)
        writer.double(policy.recoverAt)
        writer.signed(policy.holdMillis)
        writer.byte(policy.severity.rawValue)
        writer.byte(policy.recovery.rawValue)
    }

    private static func readMetric(_ reader: inout ByteReader) throws(CodecError) -> MetricPolicy {
        guard let direction = MetricPolicy.Direction(rawValue: try reader.byte()) else {
            throw CodecError("no such direction", at: 0)
        }
        return MetricPolicy(
            direction: direction, tripAt: try reader.double(), recoverAt: try reader.double(),
            holdMillis: try reader.signed(), severity: try readSeverity(&reader),
            recovery: try readRecovery(&reader))
    }

    private static func readSeverity(
        _ reader: inout ByteReader
    ) throws(CodecError) -> BreakerSeverity {
        guard let severity = BreakerSeverity(rawValue: try reader.byte()) else {
            throw CodecError("no such severity", at: 0)
        }
        return severity
    }

    private static func readRecovery(
        _ reader: inout ByteReader
    ) throws(CodecError) -> BreakerPolicy.Recovery {
        guard let recovery = BreakerPolicy.Recovery(rawValue: try reader.byte()) else {
            throw CodecError("no such recovery", at: 0)
        }
        return recovery
    }
}
