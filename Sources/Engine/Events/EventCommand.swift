import Coordination

/// What somebody wants of topics.
public enum EventCommand: Sendable {
    /// Appends publications to their topics, each with an outcome of its own.
    case publish(PublishEvents)
    /// Makes a topic or changes its limits.
    case putTopic(TopicReference, TopicLimits, by: Signature)
    /// Forgets a topic and its history.
    case deleteTopic(TopicReference, by: Signature)
    /// Topics of a namespace that fit, by ascending name, behind `after`.
    case listTopics(Namespace, TopicPattern, after: String?, limit: Int)
    /// Where a reader of topics begins.
    case join(JoinTopics)
    /// What was removed from topics, for somebody who has just read them.
    case check(CheckTopics)
    /// Answers `.following`, then `.published` and `.removed` as it is committed: all publications of a
    /// namespace.
    /// One for each socket loop, which hands them to its own subscribers.
    case follow(Namespace)
    /// Durable subscriptions.
    case subscription(SubscriptionCommand)

    /// Whether it changes nothing that is stored.
    var isVolatile: Bool {
        switch self {
        case .publish, .putTopic, .deleteTopic: false
        case .listTopics, .join, .check, .follow: true
        case .subscription(let command): command.isVolatile
        }
    }

    /// Whether a full disk or backlog refuses it.
    var isNewWork: Bool {
        switch self {
        case .publish, .putTopic: true
        case .deleteTopic, .listTopics, .join, .check, .follow: false
        case .subscription(let command): command.isNewWork
        }
    }

    /// Whether it belongs to something that is open already, so that a full mailbox takes it too.
    var isVital: Bool {
        switch self {
        case .check, .follow, .deleteTopic: true
        case .publish, .putTopic, .listTopics, .join: false
        case .subscription(let command): command.isVital
        }
    }

    /// About how much memory it takes while it waits.
    var inputBytes: Int {
        guard case .publish(let publish) = self else { return 0 }
        return publish.items.reduce(0) { $0 + $1.content.byteCount }
    }
}

/// Names a topic.
public struct TopicReference: Sendable, Hashable {
    /// Where it belongs.
    public var namespace: Namespace
    /// Its name there.
    public var topic: String

    /// Combines the parts.
    public init(namespace: Namespace, topic: String) {
        self.namespace = namespace
        self.topic = topic
    }
}

/// Appends publications, in order.
public struct PublishEvents: Sendable {
    /// One publication.
    public struct Item: Sendable {
        /// What is published; checked, and JSON where it says so.
        public var content: PublicationContent
        /// Makes a repeat harmless; empty: none.
        public var requestID: String
        /// Fingerprint of all that the change depends on; made by whoever builds the command.
        let contentHash: UInt64

        /// Combines the parts. O(bytes) when there is a request id.
        ///
        /// - Parameter statedPublisher: what the caller said of itself, where the content names it by
        ///   its address instead: that is another one on its next connection, and must not make a
        ///   repeat another request. `nil`: what the content says.
        public init(
            content: PublicationContent, requestID: String = "", statedPublisher: String? = nil
        ) {
            self.content = content
            self.requestID = requestID
            var hash = StableHash()
            if !requestID.isEmpty {
                hash.combine(content.topic)
                hash.combine(statedPublisher.map(content.head(publishedBy:)) ?? content.head)
                hash.combine(content.payload.bytes)
            }
            contentHash = hash.value
        }
    }

    /// Where they belong.
    public var namespace: Namespace
    /// At least one.
    public var items: [Item]

    /// Combines the parts.
    public init(namespace: Namespace, items: [Item]) {
        self.namespace = namespace
        self.items = items
    }
}

/// Asks where a reader of topics begins.
public struct JoinTopics: Sendable, Hashable {
    /// Where a reader wants to begin.
    public enum Start: Sendable, Hashable {
        /// With what is published from now on.
        case now
        /// With the oldest that is held.
        case oldest
        /// With this sequence, 1 or more.
        case from(Int64)
    }

    /// Where the topics belong.
    public var namespace: Namespace
    /// Which topics.
    public var patterns: [TopicPattern]
    /// Where to begin.
    public var start: Start
    /// Whether what is missing is a refusal; else the answer tells of it.
    public var refusesGap: Bool

    /// Combines the parts.
    public init(
        namespace: Namespace, patterns: [TopicPattern], start: Start, refusesGap: Bool = true
    ) {
        self.namespace = namespace
        self.patterns = patterns
        self.start = start
        self.refusesGap = refusesGap
    }
}

/// Asks what was removed from topics.
public struct CheckTopics: Sendable, Hashable {
    /// Where the topics belong.
    public var namespace: Namespace
    /// Which topics a reader wants.
    public var patterns: [TopicPattern]
    /// Topics of which it has just read something.
    public var topics: [String]

    /// Combines the parts.
    public init(namespace: Namespace, patterns: [TopicPattern], topics: [String]) {
        self.namespace = namespace
        self.patterns = patterns
        self.topics = topics
    }
}

/// What the engine answers about topics.
public enum EventAnswer: Sendable {
    /// To `.publish`: one for each item, in order.
    case outcomes([Result<PublishedEvent, Rejection>])
    /// To `.putTopic`.
    case topic(TopicView)
    /// To `.deleteTopic`: publications that were held.
    case topicDeleted(removed: Int64)
    /// To `.listTopics`; whether more follow, and the newest sequence of the namespace.
    case topics([TopicView], more: Bool, newest: Int64)
    /// To `.join`.
    case joined(JoinedTopics)
    /// To `.check`.
    case checked(CheckedTopics)
    /// To `.follow`: publications behind this sequence follow.
    case following(newest: Int64)
    /// After `.following`: what was published, by ascending sequence.
    case published([Publication])
    /// After `.following`, behind what the same batch published: of each topic everything up to this
    /// sequence was removed.
    case removed([String: Int64])
    /// About durable subscriptions.
    case subscription(SubscriptionAnswer)
}

/// What became of one publication.
public struct PublishedEvent: Sendable, Hashable {
    /// Its number in the namespace.
    public var sequence: Int64
    /// Its number in the topic.
    public var topicSequence: Int64
    /// Runs that it started and steps whose wait it ended.
    public var receivers: Int
    /// Whether an earlier call of the same request id published it.
    public var isExisting: Bool

    /// Combines the parts.
    public init(sequence: Int64, topicSequence: Int64, receivers: Int, isExisting: Bool) {
        self.sequence = sequence
        self.topicSequence = topicSequence
        self.receivers = receivers
        self.isExisting = isExisting
    }
}

/// One topic as it stands.
public struct TopicView: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// What is stored of it.
    public var settings: TopicSettings
    /// Publications held, and their bytes.
    public var held: Int
    public var heldBytes: Int64
    /// The oldest and the newest held; 0: nothing is.
    public var oldest: Int64
    public var newest: Int64

    init(name: String, _ history: TopicHistory) {
        self.name = name
        settings = history.settings
        held = history.count
        heldBytes = history.heldBytes
        oldest = history.oldest?.sequence ?? 0
        newest = history.newest?.sequence ?? 0
    }
}

/// Where a reader of topics begins.
public struct JoinedTopics: Sendable, Hashable {
    /// The first sequence to tell.
    public var next: Int64
    /// The newest sequence there is: what is behind it comes to those who follow.
    public var newest: Int64
    /// Whatever was removed up to here is no gap for this reader.
    public var removedThrough: Int64
    /// The end of what it missed, when that is no refusal; 0: nothing.
    public var gapThrough: Int64
}

/// What was removed from topics.
public struct CheckedTopics: Sendable, Hashable {
    /// The newest sequence that was removed from any that fits, or was forgotten.
    public var removedThrough: Int64
    /// The same for each topic that was asked for, where there is one.
    public var byTopic: [String: Int64]
}
