/// What is held of one topic: a mark for each publication, oldest first. The publications themselves
/// are in the store.
public struct TopicHistory: Sendable {
    /// One publication that is held.
    public struct Mark: Sendable, Hashable {
        /// Its sequence number over all topics of the namespace.
        public var sequence: Int64
        /// When it was published, milliseconds since 1970.
        public var atMillis: Int64
        public var bytes: Int

        /// Combines the parts.
        public init(sequence: Int64, atMillis: Int64, bytes: Int) {
            self.sequence = sequence
            self.atMillis = atMillis
            self.bytes = bytes
        }
    }

    /// What holds of it, stored and restored.
    public internal(set) var settings: TopicSettings
    private var marks: [Mark] = []
    private var head = 0
    /// Bytes of all that is held.
    public private(set) var heldBytes: Int64 = 0
    /// The caller's handle of whatever rings when the oldest is too old; -1: none.
    public var timer: Int32 = -1

    /// A topic of which nothing is held.
    public init(_ settings: TopicSettings = TopicSettings()) { self.settings = settings }

    /// Publications held.
    public var count: Int { marks.count - head }
    /// The oldest and the newest held; `nil`: nothing is.
    public var oldest: Mark? { count > 0 ? marks[head] : nil }
    public var newest: Mark? { count > 0 ? marks[marks.count - 1] : nil }
    /// When the oldest is too old, milliseconds since 1970; `nil`: nothing is held.
    public var expiryMillis: Int64? { oldest.map { $0.atMillis &+ settings.limits.maxAgeMillis } }
    /// Whether it can be forgotten: nothing is held, and nobody has put it.
    public var isVoid: Bool { count == 0 && !settings.isPut }

    /// How many are held behind a sequence.
    public func count(behind sequence: Int64) -> Int {
        marks.count - marks[head...].sortedIndex { $0.sequence <= sequence }
    }

    /// Holds another publication, which is newer than all.
    public mutating func append(_ mark: Mark) {
        marks.append(mark)
        heldBytes += Int64(mark.bytes)
    }

    /// Lets go what is over the limits.
    ///
    /// - Returns: the sequences that went, ascending.
    public mutating func trim(at nowMillis: Int64) -> [Int64] {
        let limits = settings.limits
        var gone: [Int64] = []
        while let oldest {
            let isOver =
                Int64(count) > limits.maxPublications
                || (heldBytes > limits.maxBytes && count > 1)
                || oldest.atMillis &+ limits.maxAgeMillis <= nowMillis
            guard isOver else { break }
            gone.append(dropOldest(oldest))
        }
        return gone
    }

    /// Lets the oldest go; `nil`: nothing is held.
    public mutating func removeOldest() -> Int64? { oldest.map { dropOldest($0) } }

    /// Lets everything go.
    public mutating func removeAll() -> [Int64] {
        let gone = marks[head...].map(\.sequence)
        if let last = gone.last { settings.removedThrough = last }
        marks = []
        head = 0
        heldBytes = 0
        return gone
    }

    private mutating func dropOldest(_ mark: Mark) -> Int64 {
        head += 1
        heldBytes -= Int64(mark.bytes)
        settings.removedThrough = mark.sequence
        if head > 64, head * 2 > marks.count {
            marks.removeFirst(head)
            head = 0
        }
        return mark.sequence
    }
}

/// What is stored of a topic beside its publications.
public struct TopicSettings: Sendable, Hashable {
    /// How much of it is kept.
    public var limits: TopicLimits
    /// Whether somebody put it, so that it stays when nothing of it is held.
    public var isPut = false
    /// Publications ever; the newest one's number in the topic.
    public var published: Int64 = 0
    /// Everything of it up to this sequence was removed; 0: nothing was.
    public var removedThrough: Int64 = 0
    /// When the newest came, milliseconds since 1970; 0: never.
    public var lastMillis: Int64 = 0

    /// A topic that nothing was published to.
    public init(limits: TopicLimits = .defaults, isPut: Bool = false) {
        self.limits = limits
        self.isPut = isPut
    }
}

/// The stored forms of topics.
public enum TopicCodec {
    /// Stored bytes of a topic's settings.
    public static func encode(_ settings: TopicSettings) -> [UInt8] {
        var writer = ByteWriter(capacity: 40)
        writer.byte(1)
        writer.signed(settings.limits.maxPublications)
        writer.signed(settings.limits.maxBytes)
        writer.signed(settings.limits.maxAgeMillis)
        writer.bool(settings.isPut)
        writer.signed(settings.published)
        writer.signed(settings.removedThrough)
        writer.signed(settings.lastMillis)
        return writer.bytes
    }

    /// A topic's settings from their stored bytes.
    public static func decode(_ bytes: [UInt8]) throws(CodecError) -> TopicSettings {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        var settings = TopicSettings(
            limits: TopicLimits(
                maxPublications: try reader.signed(), maxBytes: try reader.signed(),
                maxAgeMillis: try reader.signed()))
        settings.isPut = try reader.bool()
        settings.published = try reader.signed()
        settings.removedThrough = try reader.signed()
        settings.lastMillis = try reader.signed()
        return settings
    }

    /// Stored bytes of how far topics of a namespace were forgotten.
    public static func encode(forgottenThrough sequence: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.signed(sequence)
        return writer.bytes
    }

    /// How far topics of a namespace were forgotten, from the stored bytes.
    public static func decodeForgotten(_ bytes: [UInt8]) throws(CodecError) -> Int64 {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        return try reader.signed()
    }
}
