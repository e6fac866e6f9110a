import Coordination
import Engine
import GRPC
import Messages

extension Messages.Publication {
    /// A publication for the wire.
    init(_ publication: Coordination.Publication) {
        self.init()
        let content = publication.content
        topic = content.topic
        sequence = publication.sequence
        topicSequence = publication.topicSequence
        publishedUnixMillis = publication.atMillis
        payload = Messages.Payload(content.payload)
        key = content.key
        attributes = FieldMap(
            lastWins: content.attributes.map { .init(key: $0.name, value: $0.value) })
        publisher = content.publisher
    }
}

extension PublishRequest {
    /// What is published; its faults are noted, each behind `prefix`.
    func content(peer: String, _ faults: inout FieldFaults, prefix: String = "")
        -> PublicationContent
    {
        faults.checkTopic(topic, "\(prefix)topic")
        faults.checkSize(payload, "\(prefix)payload")
        faults.check(
            (payload?.contentType.utf8.count ?? 0) <= 256, "\(prefix)payload.content_type",
            "is over 256 bytes")
        faults.check(key.utf8.count <= 256, "\(prefix)key", "is over 256 bytes")
        faults.check(publisher.utf8.count <= 256, "\(prefix)publisher", "is over 256 bytes")
        faults.check(requestID.utf8.count <= 256, "\(prefix)request_id", "is over 256 bytes")
        faults.check(
            attributes.entries.count <= 32, "\(prefix)attributes",
            "are \(attributes.entries.count); at most 32 are allowed")
        for entry in attributes.entries.prefix(32) {
            faults.check(
                (1...64).contains(entry.key.utf8.count) && entry.value.utf8.count <= 1_024,
                "\(prefix)attributes",
                "has \(Excerpt(entry.key)): names are 1 to 64 bytes, values at most 1,024")
        }
        return PublicationContent(
            topic: topic, payload: Coordination.Payload(orEmptyObject: payload), key: key,
            attributes: attributes.entries.map { .init(name: $0.key, value: $0.value) },
            publisher: publisher.isEmpty ? peer : publisher)
    }
}

extension FieldFaults {
    /// Notes a wrong topic name.
    mutating func checkTopic(_ topic: String, _ field: String) {
        if let fault = TopicName.fault(of: topic) { check(false, field, fault) }
    }

    /// Reads 1 to 16 patterns; what is wrong is noted.
    mutating func patterns(_ texts: [String], _ field: String) -> [TopicPattern] {
        check(
            (1...16).contains(texts.count), field,
            "are \(texts.count); 1 to 16 are needed, such as \"market.*.listed\" or \">\"")
        var patterns: [TopicPattern] = []
        for (index, text) in texts.prefix(16).enumerated() {
            if let fault = TopicPattern.fault(of: text) {
                check(false, "\(field)[\(index)]", fault)
            }
            if let pattern = TopicPattern(text) { patterns.append(pattern) }
        }
        return patterns
    }

    /// Reads one pattern; what is wrong is noted.
    mutating func pattern(_ text: String, _ field: String) -> [TopicPattern] {
        if let fault = TopicPattern.fault(of: text) { check(false, field, fault) }
        return TopicPattern(text).map { [$0] } ?? []
    }

    /// Reads a filter; what is wrong is noted.
    mutating func filter(_ text: String, _ field: String) -> EventFilter? {
        do throws(EventFilter.ParseFailure) {
            return try EventFilter.parse(text)
        } catch {
            check(false, field, Excerpt(error.message, maxBytes: 300).description)
            return nil
        }
    }

    /// Notes a wrong size or token of a page, and gives the size.
    mutating func page(size: Int32, token: String) -> Int {
        check(
            (0...1_000).contains(size), "page_size",
            "is \(size); 1 to 1000, 0 for the default of 100")
        check(token.utf8.count <= 1_024, "page_token", "is over 1,024 bytes")
        return size == 0 ? 100 : Int(size)
    }

    /// Reads where a subscriber begins; what is wrong is noted.
    mutating func start(_ start: EventStart?, _ field: String) -> JoinTopics.Start {
        switch start?.position {
        case nil: return .now
        case .oldest(let isOldest):
            check(isOldest, "\(field).oldest", "is false; leave the start out to begin now")
            return .oldest
        case .fromSequence(let sequence):
            check(sequence >= 1, "\(field).from_sequence", "is \(sequence); sequences start at 1")
            return .from(sequence)
        }
    }

    /// Reads the limits of a topic; what is wrong is noted.
    mutating func limits(_ limits: Messages.TopicLimits?) -> Coordination.TopicLimits {
        var read = Coordination.TopicLimits.defaults
        guard let limits else { return read }
        func take(
            _ value: Int64, _ bounds: ClosedRange<Int64>, _ field: String, _ into: inout Int64,
            _ faults: inout FieldFaults
        ) {
            if value == 0 { return }
            faults.check(
                bounds.contains(value), "limits.\(field)",
                "is \(value); \(bounds.lowerBound) to \(bounds.upperBound), 0 for the default")
            into = value
        }
        typealias Bounds = Coordination.TopicLimits
        take(
            limits.maxPublications, Bounds.publicationBounds, "max_publications",
            &read.maxPublications, &self)
        take(limits.maxBytes, Bounds.byteBounds, "max_bytes", &read.maxBytes, &self)
        take(limits.maxAgeMillis, Bounds.ageBounds, "max_age_millis", &read.maxAgeMillis, &self)
        return read
    }
}

extension Messages.Topic {
    /// A topic for the wire.
    init(_ view: TopicView) {
        self.init()
        let settings = view.settings
        name = view.name
        limits = Messages.TopicLimits(
            maxPublications: settings.limits.maxPublications, maxBytes: settings.limits.maxBytes,
            maxAgeMillis: settings.limits.maxAgeMillis)
        put = settings.isPut
        held = Int64(view.held)
        heldBytes = view.heldBytes
        oldestSequence = view.oldest
        newestSequence = view.newest
        published = settings.published
        lastPublishedUnixMillis = settings.lastMillis
        removedThroughSequence = settings.removedThrough
    }
}

extension PublishResponse {
    /// What became of a publication.
    init(_ published: PublishedEvent) {
        self.init()
        sequence = published.sequence
        topicSequence = published.topicSequence
        receivers = Int32(clamping: published.receivers)
        existing = published.isExisting
    }
}

extension PublishOutcome {
    /// What became of one of many.
    init(_ outcome: Result<PublishedEvent, Rejection>) {
        self.init()
        switch outcome {
        case .success(let published): self.outcome = .response(PublishResponse(published))
        case .failure(let rejection): self.init(rejection)
        }
    }

    /// Why one of many was refused.
    init(_ rejection: Rejection) {
        self.init()
        outcome = .refusal(
            PublishRefusal(
                code: Int32(rejection.status.code.rawValue), reason: rejection.reason,
                message: rejection.message))
    }
}
