/// What somebody publishes. An object, so that it goes to a hundred subscribers as one word.
public final class PublicationContent: Sendable {
    /// Where it belongs; a ``TopicName``.
    public let topic: String
    /// At most 2 MiB.
    public let payload: Payload
    /// What it is about; may be empty.
    public let key: String
    /// By ascending name, each once.
    public let attributes: [Attribute]
    /// Who publishes it.
    public let publisher: String
    /// All but topic and payload, as it is stored.
    public let head: [UInt8]

    /// A name with a value.
    public struct Attribute: Sendable, Hashable {
        /// 1 to 64 bytes.
        public var name: String
        /// At most 1,024 bytes.
        public var value: String

        /// Combines the parts.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Combines the parts; attributes are put in order, and of one name the last counts.
    public init(
        topic: String, payload: Payload, key: String = "", attributes: [Attribute] = [],
        publisher: String = ""
    ) {
        var values: [String: String] = [:]
        for attribute in attributes { values[attribute.name] = attribute.value }
        let sorted = values.map { Attribute(name: $0.key, value: $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        self.topic = topic
        self.payload = payload
        self.key = key
        self.attributes = sorted
        self.publisher = publisher
        head = PublicationCodec.encode(
            contentType: payload.contentType, key: key, attributes: sorted, publisher: publisher)
    }

    /// From its stored parts.
    public init(topic: String, head: [UInt8], bytes: [UInt8]) throws(CodecError) {
        let parts = try PublicationCodec.decode(head)
        self.topic = topic
        payload = Payload(bytes: bytes, contentType: parts.contentType)
        key = parts.key
        attributes = parts.attributes
        publisher = parts.publisher
        self.head = head
    }

    /// ``head`` as it were if somebody else had published it.
    public func head(publishedBy publisher: String) -> [UInt8] {
        PublicationCodec.encode(
            contentType: payload.contentType, key: key, attributes: attributes,
            publisher: publisher)
    }

    /// What it takes of its topic's history.
    public var byteCount: Int { topic.utf8.count + head.count + payload.bytes.count }

    /// Whether its payload is JSON, so that workflows and filters can look into it.
    public var isJSON: Bool { payload.contentType == Payload.json }
}

/// Something that was published.
public struct Publication: Sendable {
    /// What its publisher gave.
    public let content: PublicationContent
    /// Ascending from 1 over all topics of its namespace.
    public let sequence: Int64
    /// Ascending from 1 in its topic.
    public let topicSequence: Int64
    /// When, in milliseconds since 1970.
    public let atMillis: Int64

    /// Combines the parts.
    public init(
        _ content: PublicationContent, sequence: Int64, topicSequence: Int64, atMillis: Int64
    ) {
        self.content = content
        self.sequence = sequence
        self.topicSequence = topicSequence
        self.atMillis = atMillis
    }
}
