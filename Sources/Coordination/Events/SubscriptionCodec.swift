/// The stored forms of subscriptions and of what their targets have done.
public enum SubscriptionCodec {
    // MARK: Definitions

    /// Stored bytes of a definition, with when it was made and changed.
    public static func encode(
        _ definition: SubscriptionDefinition, createdMillis: Int64, updatedMillis: Int64
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.byte(1)
        writer.signed(createdMillis)
        writer.signed(updatedMillis)
        writer.string(definition.name)
        writer.array(definition.patterns) { $0.string($1.text) }
        writer.string(definition.filter)
        writer.array(definition.targets) { encode($1, &$0) }
        switch definition.start {
        case .now: writer.signed(0)
        case .oldest: writer.signed(-1)
        case .from(let sequence): writer.signed(sequence)
        }
        writer.count(definition.policy.maxAttempts)
        writer.signed(definition.policy.initialMillis)
        writer.double(definition.policy.factor)
        writer.signed(definition.policy.maxMillis)
        writer.signed(definition.policy.ackTimeoutMillis)
        writer.bool(definition.isPaused)
        writer.string(definition.summary)
        return writer.bytes
    }

    /// A definition from its stored bytes.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(CodecError) -> (SubscriptionDefinition, createdMillis: Int64, updatedMillis: Int64) {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let created = try reader.signed()
        let updated = try reader.signed()
        let name = try reader.string()
        let patterns = try reader.array { reader throws(CodecError) in
            let text = try reader.string()
            guard let pattern = TopicPattern(text) else {
                throw CodecError("\"\(text)\" is no pattern", at: 0)
            }
            return pattern
        }
        let filter = try reader.string()
        let targets = try reader.array { reader throws(CodecError) in try target(&reader) }
        let start = try reader.signed()
        let policy = DeliveryPolicy(
            maxAttempts: try reader.int(), initialMillis: try reader.signed(),
            factor: try reader.double(), maxMillis: try reader.signed(),
            ackTimeoutMillis: try reader.signed())
        let definition = SubscriptionDefinition(
            name: name, patterns: patterns, filter: filter, targets: targets,
            start: start == 0 ? .now : start < 0 ? .oldest : .from(start), policy: policy,
            isPaused: try reader.bool(), summary: try reader.string())
        return (definition, created, updated)
    }

    private static func encode(_ target: SubscriptionTarget, _ writer: inout ByteWriter) {
        switch target {
        case .stream: writer.byte(0)
        case .agent(let type, let operation, let hasEnvelope):
            writer.byte(1)
            writer.string(type)
            writer.string(operation)
            writer.bool(hasEnvelope)
        case .workflow(let name, let workflowID, let waits, let hasEnvelope):
            writer.byte(2)
            writer.string(name)
            writer.string(workflowID)
            writer.bool(waits)
            writer.bool(hasEnvelope)
        case .signal(let workflowID, let signal, let starting, let hasEnvelope):
            writer.byte(3)
            writer.string(workflowID)
            writer.string(signal)
            writer.string(starting)
            writer.bool(hasEnvelope)
        }
    }

    private static func target(
        _ reader: inout ByteReader
    ) throws(CodecError) -> SubscriptionTarget {
        switch try reader.byte() {
        case 0: return .stream
        case 1:
            return .agent(
                type: try reader.string(), operation: try reader.string(),
                hasEnvelope: try reader.bool())
        case 2:
            return .workflow(
                name: try reader.string(), workflowID: try reader.string(),
                waits: try reader.bool(), hasEnvelope: try reader.bool())
        case 3:
            return .signal(
                workflowID: try reader.string(), signal: try reader.string(),
                starting: try reader.string(), hasEnvelope: try reader.bool())
        case let kind: throw CodecError("target \(kind) is not known", at: 0)
        }
    }

    // MARK: What was done

    /// Stored bytes of a target's state.
    public static func encode(_ state: SubscriberState) -> [UInt8] {
        var writer = ByteWriter(capacity: 48)
        writer.byte(1)
        writer.signed(state.acknowledged)
        writer.signed(state.knownRemoved)
        writer.signed(state.failing)
        writer.count(state.failures)
        writer.signed(state.notBeforeMillis)
        writer.optional(state.lastFailure) { $0.failure($1) }
        writer.signed(state.delivered)
        writer.signed(state.deadLettered)
        writer.signed(state.deadLettersDropped)
        writer.signed(state.gapFrom)
        writer.signed(state.gapThrough)
        return writer.bytes
    }

    /// A target's state from its stored bytes.
    public static func decodeState(_ bytes: [UInt8]) throws(CodecError) -> SubscriberState {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        var state = SubscriberState(
            acknowledged: try reader.signed(), knownRemoved: try reader.signed())
        state.failing = try reader.signed()
        state.failures = try reader.int()
        state.notBeforeMillis = try reader.signed()
        state.lastFailure = try reader.optional { reader throws(CodecError) in
            try reader.failure()
        }
        state.delivered = try reader.signed()
        state.deadLettered = try reader.signed()
        state.deadLettersDropped = try reader.signed()
        state.gapFrom = try reader.signed()
        state.gapThrough = try reader.signed()
        return state
    }

    // MARK: Dead letters

    /// Stored bytes of which dead letters a target has, oldest first, and which of them are requeued.
    public static func encode(_ letters: [EventDeadLetterMark]) -> [UInt8] {
        var writer = ByteWriter(capacity: 8 + letters.count * 6)
        writer.byte(1)
        writer.array(letters) { writer, letter in
            writer.signed(letter.sequence)
            writer.bool(letter.isRequeued)
        }
        return writer.bytes
    }

    /// Which dead letters a target has, from the stored bytes.
    public static func decodeMarks(
        _ bytes: [UInt8]
    ) throws(CodecError) -> [EventDeadLetterMark] {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return try reader.array { reader throws(CodecError) in
            EventDeadLetterMark(sequence: try reader.signed(), isRequeued: try reader.bool())
        }
    }

    /// Stored bytes of a dead letter with its publication.
    public static func encode(_ letter: EventDeadLetter) -> [UInt8] {
        let publication = letter.publication
        var writer = ByteWriter(capacity: 64 + publication.content.byteCount)
        writer.byte(1)
        writer.string(letter.subscription)
        writer.string(letter.target)
        writer.count(letter.attempts)
        writer.failure(letter.failure)
        writer.signed(letter.parkedMillis)
        writer.string(publication.content.topic)
        writer.signed(publication.sequence)
        writer.signed(publication.topicSequence)
        writer.signed(publication.atMillis)
        writer.counted(publication.content.head)
        writer.counted(publication.content.payload.bytes)
        return writer.bytes
    }

    /// A dead letter from its stored bytes.
    public static func decodeLetter(_ bytes: [UInt8]) throws(CodecError) -> EventDeadLetter {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let subscription = try reader.string()
        let target = try reader.string()
        let attempts = try reader.int()
        let failure = try reader.failure()
        let parked = try reader.signed()
        let topic = try reader.string()
        let sequence = try reader.signed()
        let topicSequence = try reader.signed()
        let atMillis = try reader.signed()
        let head = try reader.counted()
        let payload = try reader.counted()
        return EventDeadLetter(
            subscription: subscription, target: target,
            publication: Publication(
                try PublicationContent(topic: topic, head: head, bytes: payload),
                sequence: sequence, topicSequence: topicSequence, atMillis: atMillis),
            attempts: attempts, failure: failure, parkedMillis: parked)
    }
}

/// Names a dead letter of a target.
public struct EventDeadLetterMark: Sendable, Hashable {
    /// The publication's.
    public var sequence: Int64
    /// Whether it is to be delivered again.
    public var isRequeued: Bool

    /// Combines the parts.
    public init(sequence: Int64, isRequeued: Bool = false) {
        self.sequence = sequence
        self.isRequeued = isRequeued
    }
}

/// A publication that a target could not do.
public struct EventDeadLetter: Sendable {
    /// Whose it is.
    public var subscription: String
    public var target: String
    /// What was published.
    public var publication: Publication
    /// How often it was tried.
    public var attempts: Int
    /// Why the last attempt failed.
    public var failure: StepFailure
    /// When it was given up, milliseconds since 1970.
    public var parkedMillis: Int64

    /// Combines the parts.
    public init(
        subscription: String, target: String, publication: Publication, attempts: Int,
        failure: StepFailure, parkedMillis: Int64
    ) {
        self.subscription = subscription
        self.target = target
        self.publication = publication
        self.attempts = attempts
        self.failure = failure
        self.parkedMillis = parkedMillis
    }

    /// The key of its row; its own number sorts as text.
    public static func key(subscription: String, target: String, sequence: Int64) -> String {
        let digits = String(sequence)
        return "\(subscription)\0\(target)\0"
            + String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits
    }
}
