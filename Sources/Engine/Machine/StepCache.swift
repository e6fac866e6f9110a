import Coordination

/// Outputs of steps that some operating mode wants from memory: the newest for each input, stored so
/// that they are there after a restart.
struct StepCache: Sendable {
    /// An output, and when it came.
    private struct Entry: Sendable {
        var output: Payload
        var age: UInt64
    }

    /// What a dispatch's output will be remembered by.
    var keys: [AssignmentToken: ScopedName] = [:]
    private var entries: [ScopedName: Entry] = [:]
    private var newest: UInt64 = 0

    /// Larger inputs are not told apart and larger outputs not kept.
    static let maxBytes = 64 << 10
    /// Outputs kept in all; the oldest makes room.
    static let maxEntries = 1_000

    /// Whether no dispatch under way will be remembered.
    var isIdle: Bool { keys.isEmpty }

    func output(_ key: ScopedName) -> Payload? { entries[key]?.output }

    /// Keeps an output.
    ///
    /// - Returns: whether it is another one than before, and what had to go for it.
    mutating func keep(_ output: Payload, _ key: ScopedName) -> (isNew: Bool, gone: ScopedName?) {
        newest += 1
        let isNew = entries[key]?.output != output
        entries[key] = Entry(output: output, age: newest)
        guard entries.count > Self.maxEntries,
            let oldest = entries.min(by: { $0.value.age < $1.value.age })?.key
        else { return (isNew, nil) }
        entries[oldest] = nil
        return (isNew, oldest)
    }

    /// What an input of a step is known by; `nil`: it is too large.
    ///
    /// A step id has no `/`, nor has a fingerprint, so no two names run together.
    static func key(
        _ namespace: Namespace, workflow: String, _ step: StepDefinition, _ input: Payload
    ) -> ScopedName? {
        guard input.bytes.count <= maxBytes else { return nil }
        let words = [UInt64(1), 2].map { seed in
            var hash = StableHash(seed: seed)
            hash.combine(step.agentType)
            hash.combine(step.operation)
            hash.combine(input.contentType)
            hash.combine(input.bytes)
            return String(hash.value, radix: 16)
        }
        return ScopedName(
            namespace: namespace, name: "\(workflow)/\(step.id)/\(words.joined(separator: "."))")
    }

    // MARK: As it is stored

    static func encode(_ output: Payload) -> [UInt8] {
        var writer = ByteWriter(capacity: output.bytes.count + 32)
        writer.byte(1)
        writer.payload(output)
        return writer.bytes
    }

    static func decode(_ blob: [UInt8]) throws(CodecError) -> Payload {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: 1)
        return try reader.payload()
    }
}
