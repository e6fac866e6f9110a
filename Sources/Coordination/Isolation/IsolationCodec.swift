/// The stored forms of an ``IsolationPolicy`` and an ``Isolation``.
public enum IsolationCodec {
    /// The version that this build writes of either; it reads 1 up to this.
    public static let version: UInt8 = 1

    /// Packs a policy.
    public static func encode(_ policy: IsolationPolicy) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.byte(version)
        writer.optional(policy.consecutiveFailures) { $0.count($1) }
        writer.optional(policy.windowFailures) { $0.count($1) }
        writer.signed(policy.windowMillis)
        writer.signed(policy.isolationMillis)
        writer.double(policy.factor)
        writer.signed(policy.maxIsolationMillis)
        writer.double(policy.jitter)
        writer.signed(policy.healthyMillis)
        writer.double(policy.maxShare)
        writer.count(policy.canaries)
        writer.string(policy.backupType)
        writer.array(policy.ignoredFailures) { $0.string($1) }
        return writer.bytes
    }

    /// Unpacks a policy.
    public static func decodePolicy(_ blob: [UInt8]) throws(CodecError) -> IsolationPolicy {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        var policy = IsolationPolicy()
        policy.consecutiveFailures = try reader.optionalInt()
        policy.windowFailures = try reader.optionalInt()
        policy.windowMillis = try reader.signed()
        policy.isolationMillis = try reader.signed()
        policy.factor = try reader.double()
        policy.maxIsolationMillis = try reader.signed()
        policy.jitter = try reader.double()
        policy.healthyMillis = try reader.signed()
        policy.maxShare = try reader.double()
        policy.canaries = try reader.int()
        policy.backupType = try reader.string()
        policy.ignoredFailures = try reader.strings()
        return policy
    }

    /// Packs an isolation.
    public static func encode(_ isolation: Isolation) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.byte(version)
        writer.byte(isolation.state.rawValue)
        writer.string(isolation.reason)
        writer.string(isolation.actor)
        writer.signed(isolation.sinceMillis)
        writer.optional(isolation.untilMillis) { $0.signed($1) }
        writer.count(isolation.streak)
        writer.signed(isolation.total)
        return writer.bytes
    }

    /// Unpacks an isolation.
    public static func decode(_ blob: [UInt8]) throws(CodecError) -> Isolation {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        var isolation = Isolation()
        guard let state = IsolationState(rawValue: try reader.byte()) else {
            throw CodecError("no such isolation state", at: 0)
        }
        isolation.state = state
        isolation.reason = try reader.string()
        isolation.actor = try reader.string()
        isolation.sinceMillis = try reader.signed()
        isolation.untilMillis = try reader.optionalSigned()
        isolation.streak = try reader.int()
        isolation.total = try reader.signed()
        return isolation
    }
}
