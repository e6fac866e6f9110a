/// A durable item as it is stored, from its arrival until its result is forgotten.
public struct StoredItem: Sendable, Hashable {
    /// How it ended.
    public enum Outcome: Sendable, Hashable {
        case value(Payload)
        case failure(StepFailure)
    }

    /// What is to be done, and under which id it was asked for.
    public var operation: String
    public var requestID: String
    /// Of its payload, so that a repeat is told from another item.
    public var fingerprint: UInt64
    /// When it arrived; once it has ended, when it did. Wall clock, milliseconds since 1970.
    public var atMillis: Int64
    /// How often it was given to an agent, as far as that is known.
    public var attempts: Int
    /// Empty once it has ended.
    public var payload: Payload
    /// `nil`: it has not ended.
    public var outcome: Outcome?

    /// Combines the parts.
    public init(
        operation: String, requestID: String, fingerprint: UInt64, atMillis: Int64,
        attempts: Int = 0, payload: Payload, outcome: Outcome? = nil
    ) {
        self.operation = operation
        self.requestID = requestID
        self.fingerprint = fingerprint
        self.atMillis = atMillis
        self.attempts = attempts
        self.payload = payload
        self.outcome = outcome
    }
}

/// The stored form of batches and their durable items.
public enum BatchCodec {
    /// Stored bytes of a definition.
    public static func encode(_ definition: BatchDefinition) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.byte(1)
        writer.string(definition.operation)
        writer.string(definition.agentType)
        writer.string(definition.agentOperation)
        writer.count(definition.maxItems)
        writer.signed(definition.maxDelayMillis)
        writer.count(definition.maxBytes)
        writer.count(definition.maxInFlight)
        writer.count(definition.maxWaiting)
        writer.signed(definition.timeoutMillis)
        switch definition.onFailure {
        case .fail: writer.byte(1)
        case .retryItems(let attempts, let millis):
            writer.byte(2)
            writer.count(attempts)
            writer.signed(millis)
        }
        return writer.bytes
    }

    /// A definition from its stored bytes.
    public static func decode(_ bytes: [UInt8]) throws(CodecError) -> BatchDefinition {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        var definition = BatchDefinition(
            operation: try reader.string(), agentType: try reader.string(),
            agentOperation: try reader.string(), maxItems: try reader.int(),
            maxDelayMillis: try reader.signed(), maxBytes: try reader.int(),
            maxInFlight: try reader.int(), maxWaiting: try reader.int(),
            timeoutMillis: try reader.signed())
        switch try reader.byte() {
        case 1: break
        case 2:
            definition.onFailure = .retryItems(
                attempts: try reader.int(), millis: try reader.signed())
        case let policy: throw CodecError("failure policy \(policy) is unknown", at: 0)
        }
        return definition
    }

    /// Stored bytes of an item.
    public static func encode(_ item: StoredItem) -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + item.payload.bytes.count)
        writer.byte(1)
        writer.string(item.operation)
        writer.string(item.requestID)
        writer.unsigned(item.fingerprint)
        writer.signed(item.atMillis)
        writer.count(item.attempts)
        writer.payload(item.payload)
        switch item.outcome {
        case nil: writer.byte(0)
        case .value(let payload):
            writer.byte(1)
            writer.payload(payload)
        case .failure(let failure):
            writer.byte(2)
            writer.failure(failure)
        }
        return writer.bytes
    }

    /// An item from its stored bytes.
    public static func decodeItem(_ bytes: [UInt8]) throws(CodecError) -> StoredItem {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        var item = StoredItem(
            operation: try reader.string(), requestID: try reader.string(),
            fingerprint: try reader.unsigned(), atMillis: try reader.signed(),
            attempts: try reader.int(), payload: try reader.payload())
        switch try reader.byte() {
        case 0: break
        case 1: item.outcome = .value(try reader.payload())
        case 2: item.outcome = .failure(try reader.failure())
        case let outcome: throw CodecError("outcome \(outcome) of an item is unknown", at: 0)
        }
        return item
    }
}
