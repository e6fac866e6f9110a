/// The stored form of a ``WorkflowDefinition``.
///
/// Version 2 is version 1 with options behind the definition and behind each step: a tag, then its
/// value, and 0 at the end. Options at their default are left out. Version 3 knows conditions and
/// contracts, version 4 what steps do by mode, version 5 children that are repeated, version 6 steps
/// that continue the run as a new one.
public enum DefinitionCodec {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 6

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
        writer.option(1, definition.triggers, unless: []) { $0.array($1) { $0.string($1) } }
        if let schema = definition.inputSchema {
            writer.byte(2)
            writer.string(schema)
        }
        writer.byte(0)
        return writer.bytes
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(_ blob: [UInt8]) throws(CodecError) -> WorkflowDefinition {
        var reader = ByteReader(blob)
        let format = try reader.version(newest: version)
        let name = try reader.string()
        let definitionVersion = try reader.string()
        let summary = try reader.string()
        let result = try reader.optionalString()
        let timeout = try reader.optionalSigned()
        let steps = try reader.array { reader throws(CodecError) in
            var step = try readStep(&reader)
            if format >= 2 { try StepOptions.read(&step, &reader) }
            return step
        }
        var definition = WorkflowDefinition(
            name: name, version: definitionVersion, summary: summary, steps: steps,
            resultTemplate: result, runTimeoutMillis: timeout)
        if format >= 2 { try readOptions(&definition, &reader) }
        return definition
    }

    private static func readOptions(
        _ definition: inout WorkflowDefinition, _ reader: inout ByteReader
    ) throws(CodecError) {
        while true {
            let tag = try reader.byte()
            switch tag {
            case 0: return
            case 1: definition.triggers = try reader.strings()
            case 2: definition.inputSchema = try reader.string()
            default: throw CodecError("unknown definition option \(tag)", at: 0)
            }
        }
    }

    private static func write(_ step: StepDefinition, _ writer: inout ByteWriter) {
        writer.string(step.id)
        writer.string(step.agentType)
        writer.string(step.operation)
        writer.array(step.dependsOn) { $0.string($1) }
        writer.optional(step.inputTemplate) { $0.string($1) }
        writer.bool(step.isRequired)
        writer.signed(step.startToCloseMillis)
        write(step.retry, &writer)
        StepOptions.write(step, &writer)
    }

    static func write(_ retry: RetryPolicy, _ writer: inout ByteWriter) {
        writer.signed(Int64(retry.maxAttempts))
        writer.signed(retry.initialMillis)
        writer.double(retry.factor)
        writer.signed(retry.maxMillis)
        writer.array(retry.nonRetryableTypes) { $0.string($1) }
    }

    private static func readStep(_ reader: inout ByteReader) throws(CodecError) -> StepDefinition {
        StepDefinition(
            id: try reader.string(), agentType: try reader.string(),
            operation: try reader.string(),
            dependsOn: try reader.strings(),
            inputTemplate: try reader.optionalString(),
            isRequired: try reader.bool(), startToCloseMillis: try reader.signed(),
            retry: try readRetry(&reader))
    }

    static func readRetry(_ reader: inout ByteReader) throws(CodecError) -> RetryPolicy {
        let attempts = Int(clamping: try reader.signed())
        let initial = try reader.signed()
        let factor = try reader.double()
        let longest = try reader.signed()
        return RetryPolicy(
            maxAttempts: attempts, initialMillis: initial, factor: factor, maxMillis: longest,
            nonRetryableTypes: try reader.strings())
    }
}
