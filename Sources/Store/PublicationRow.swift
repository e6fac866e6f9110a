import Coordination

/// A publication as it is stored: appended once, removed by its topic's limits, never changed.
public struct PublicationRow: Sendable {
    /// With `sequence` the key.
    public var namespace: String
    /// What was published.
    public var publication: Publication

    /// Combines the parts.
    public init(namespace: String, publication: Publication) {
        self.namespace = namespace
        self.publication = publication
    }

    /// Bytes of its blobs.
    var byteCount: Int {
        publication.content.head.count + publication.content.payload.bytes.count
    }
}

/// Names a stored publication.
public struct PublicationName: Sendable, Hashable {
    /// Where it belongs.
    public var namespace: String
    /// Its number there.
    public var sequence: Int64

    /// Combines the parts.
    public init(namespace: String, sequence: Int64) {
        self.namespace = namespace
        self.sequence = sequence
    }
}

/// What a server that starts learns of a stored publication.
public struct PublicationMark: Sendable, Hashable {
    /// Where it belongs.
    public var topic: String
    /// What the topic's history holds of it.
    public var mark: TopicHistory.Mark

    /// Combines the parts.
    public init(topic: String, mark: TopicHistory.Mark) {
        self.topic = topic
        self.mark = mark
    }
}

/// Which publications of a namespace are read.
public struct PublicationRange: Sendable {
    /// Where they belong.
    public var namespace: String
    /// One of them must fit; none: nothing does.
    public var patterns: [TopicPattern]
    /// Both ends included.
    public var from: Int64
    public var through: Int64
    /// Publications, and bytes of them, after which the page ends; at least one is read.
    public var limit: Int
    public var maxBytes: Int

    /// Combines the parts.
    public init(
        namespace: String, patterns: [TopicPattern], from: Int64, through: Int64, limit: Int,
        maxBytes: Int = 1 << 20
    ) {
        self.namespace = namespace
        self.patterns = patterns
        self.from = from
        self.through = through
        self.limit = limit
        self.maxBytes = maxBytes
    }

    /// Publications looked at for one page, whether they fit or not.
    static let maxScanned = 20_000
}

/// A page of publications.
public struct PublicationPage: Sendable {
    /// By ascending sequence.
    public var publications: [Publication] = []
    /// Everything up to here has been looked at: the next page begins behind it.
    public var scannedThrough: Int64

    /// Combines the parts.
    public init(publications: [Publication] = [], scannedThrough: Int64) {
        self.publications = publications
        self.scannedThrough = scannedThrough
    }
}
