/// The stored form of the history events that one batch added to one run.
public enum HistoryCodec {
    /// The version that this build writes; it reads 1 up to this. Each one knows more kinds; since
    /// the fifth a timeout says why, behind a tag of its own.
    public static let version: UInt8 = 5

    /// Packs events whose sequence numbers follow each other.
    public static func encode(_ events: [HistoryEvent]) -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + events.count * 48)
        writer.byte(version)
        writer.count(events.count)
        guard let first = events.first else { return writer.bytes }
        writer.signed(first.sequence)
        writer.signed(first.atMillis)
        for (index, event) in events.enumerated() {
            precondition(
                event.sequence == first.sequence + Int64(index), "history events have a gap")
            writer.signed(event.atMillis - first.atMillis)
            write(event.kind, &writer)
        }
        return writer.bytes
    }

    /// Unpacks what ``encode(_:)`` packed, in any version up to ``version``.
    public static func decode(_ blob: [UInt8]) throws(CodecError) -> [HistoryEvent] {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: version)
        let count = try reader.count()
        if count == 0 { return [] }
        let firstSequence = try reader.signed()
        let firstMillis = try reader.signed()
        var events: [HistoryEvent] = []
        events.reserveCapacity(count)
        for index in 0..<count {
            // Wrapping: damaged bytes must not trap.
            let atMillis = firstMillis &+ (try reader.signed())
            events.append(
                HistoryEvent(
                    sequence: firstSequence &+ Int64(index), atMillis: atMillis,
                    kind: try readKind(&reader)))
        }
        return events
    }

    static func write(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        let tag = HistoryTag(kind)
        writer.byte(tag.rawValue)
        switch tag.subject {
        case .run: writeRunEvent(kind, &writer)
        case .step: writeStepEvent(kind, &writer)
        case .attempt: writeAttemptEvent(kind, &writer)
        }
    }

    private static func readKind(
        _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let tag: HistoryTag = try reader.choice("history event")
        return switch tag.subject {
        case .run: try readRunEvent(tag, &reader)
        case .step: try readStepEvent(tag, &reader)
        case .attempt: try readAttemptEvent(tag, &reader)
        }
    }
}
