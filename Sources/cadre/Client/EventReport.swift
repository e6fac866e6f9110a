import Foundation
import JSON
import Messages

/// Topics and publications as a person or a program reads them.
enum EventReport {
    /// What came on a stream: a line for each publication.
    static func tell(_ message: SubscribeResponse, _ format: OutputFormat, atMost: Int = .max) {
        if let gap = message.gap { tell(gap) }
        for publication in message.publications.prefix(max(0, atMost)) {
            if format == .json {
                StandardOutput.jsonLine { $0.publication(publication) }
            } else {
                StandardOutput.line(line(publication).visible)
            }
        }
    }

    /// A gap goes to standard error, so that what is piped stays what was published.
    static func tell(_ gap: EventGap) {
        FileHandle.standardError.write(
            Data(
                """
                cadre: something from sequence \(gap.fromSequence) to \(gap.throughSequence) was \
                removed before it was read

                """.utf8))
    }

    static func show(_ publications: [Publication], _ format: OutputFormat) {
        if format == .json {
            return printJSON { $0.member("publications", publications) { $0.publication($1) } }
        }
        for publication in publications { printVisible(line(publication).visible) }
    }

    static func show(_ topics: [Topic], _ format: OutputFormat) {
        if format == .json {
            return printJSON { $0.member("topics", topics) { $0.topic($1) } }
        }
        var table = TextTable(
            "TOPIC", "HELD", "BYTES", "OLDEST", "NEWEST", "EVER", "LAST", "LIMITS")
        for topic in topics {
            let limits = topic.limits ?? TopicLimits()
            table.add(
                topic.name, "\(topic.held)", "\(topic.heldBytes)", "\(topic.oldestSequence)",
                "\(topic.newestSequence)", "\(topic.published)",
                Instant.textOrNothing(topic.lastPublishedUnixMillis),
                "\(limits.maxPublications), \(limits.maxBytes) bytes, "
                    + "\(limits.maxAgeMillis / 1_000) s")
        }
        printVisible(table.text)
    }

    private static func line(_ publication: Publication) -> String {
        let payload = publication.payload ?? Payload()
        let isJSON = payload.contentType.isEmpty || payload.contentType == "application/json"
        let content =
            isJSON
            ? String(decoding: payload.data, as: UTF8.self)
            : "\(payload.data.count) bytes of \(payload.contentType)"
        let key = publication.key.isEmpty ? "" : " [\(publication.key)]"
        return "\(publication.sequence)  \(Instant.text(publication.publishedUnixMillis))  "
            + "\(publication.topic)\(key)  \(content)"
    }
}

extension JSONWriter {
    mutating func publication(_ publication: Publication) {
        beginObject()
        member("topic", publication.topic)
        member("sequence", publication.sequence)
        member("topic_sequence", publication.topicSequence)
        member("published", Instant.text(publication.publishedUnixMillis))
        if !publication.key.isEmpty { member("key", publication.key) }
        if !publication.attributes.entries.isEmpty {
            key("attributes")
            beginObject()
            for entry in publication.attributes.entries { member(entry.key, entry.value) }
            endObject()
        }
        member("publisher", publication.publisher)
        key("payload")
        payload(publication.payload ?? Payload())
        endObject()
    }

    fileprivate mutating func topic(_ topic: Topic) {
        beginObject()
        member("name", topic.name)
        let limits = topic.limits ?? TopicLimits()
        member("max_publications", limits.maxPublications)
        member("max_bytes", limits.maxBytes)
        member("max_age_millis", limits.maxAgeMillis)
        member("put", topic.put)
        member("held", topic.held)
        member("held_bytes", topic.heldBytes)
        member("oldest_sequence", topic.oldestSequence)
        member("newest_sequence", topic.newestSequence)
        member("published", topic.published)
        member("removed_through_sequence", topic.removedThroughSequence)
        endObject()
    }
}
