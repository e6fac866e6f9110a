/// The stored form of a ``WorkflowDefinition``.
public enum DefinitionCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 1

    /// Packs a definition. Equal definitions give equal bytes.
    public static func encode(_ definition: WorkflowDefinition) -> [UInt8] {
        var writer = ByteWriter(capacity: 128 + definition.steps.count * 96)
        writer.byte(version)
        writer.string(definition.name)
        writer.string(definition.version)
        writer.string(definition.summary)
        writer.optional(definition.resultTemplate) { $0.string($1) }
        writer.optional(definition.runTimeoutMillis) { $0.signed($1) }
        writer.array(definition.steps) { write($1, &$0) }
        return writer.bytes
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(_ blob: [UInt8]) throws(CodecError) -> WorkflowDefinition {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let name = try reader.string()
        let definitionVersion = try reader.string()
        let summary = try reader.string()
        let result = try reader.optional { reader throws(CodecError) in try reader.string() }
        let timeout = try reader.optional { reader throws(CodecError) in try reader.signed() }
        let steps = try reader.array { reader throws(CodecError) in try readStep(&reader) }
        return WorkflowDefinition(
            name: name, version: definitionVersion, summary: summary, steps: steps,
            resultTemplate: result, runTimeoutMillis: timeout)
    }

    private static func write(_ step: StepDefinition, _ writer: inout ByteWriter) {
        writer.string(step.id)
        writer.string(step.agentType)
        writer.string(step.operation)
        writer.array(step.dependsOn) { $0.string($1) }
        writer.optional(step.inputTemplate) { $0.string($1) }
        writer.bool(step.isRequired)
        writer.signed(step.startToCloseMillis)
        writer.signed(Int64(step.retry.maxAttempts))
        writer.signed(step.retry.initialMillis)
        writer.double(step.retry.factor)
        writer.signed(step.retry.maxMillis)
        writer.array(step.retry.nonRetryableTypes) { $0.string($1) }
    }

    private static func readStep(_ reader: inout ByteReader) throws(CodecError) -> StepDefinition {
        StepDefinition(
            id: try reader.string(), agentType: try reader.string(),
            operation: try reader.string(),
            dependsOn: try reader.array { reader throws(CodecError) in try reader.string() },
            inputTemplate: try reader.optional { reader throws(CodecError) in
                try reader.string()
            },
            isRequired: try reader.bool(), startToCloseMillis: try reader.signed(),
            retry: try readRetry(&reader))
    }

    private static func readRetry(_ reader: inout ByteReader) throws(CodecError) -> RetryPolicy {
        let attempts = Int(clamping: try reader.signed())
        let initial = try reader.signed()
        let factor = try reader.double()
        let longest = try reader.signed()
        return RetryPolicy(
            maxAttempts: attempts, initialMillis: initial, factor: factor, maxMillis: longest,
            nonRetryableTypes: try reader.array { reader throws(CodecError) in
                try reader.string()
            })
    }
}
