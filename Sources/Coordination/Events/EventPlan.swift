public import JSON

/// How publications are made ready for one target: which fit, and what the target is given.
public struct EventPlan: Sendable {
    private let filter: EventFilter?
    private let workflowID: JSONTemplate?
    private let hasEnvelope: Bool
    /// Whether the target takes JSON only.
    private let needsJSON: Bool

    /// Every publication, as it is.
    public static let unfiltered = EventPlan(
        SubscriptionDefinition(name: "", patterns: []), .stream)

    /// Bytes of a workflow id's text.
    public static let maxWorkflowIDBytes = 1_024

    /// What a text of a workflow id may refer to.
    private static let roots: Set<String> = ["topic", "key", "publisher", "attributes", "payload"]

    /// Reads what a definition says for one of its targets. What is wrong was found when it was put, see
    /// ``fault(ofWorkflowID:)``.
    public init(_ definition: SubscriptionDefinition, _ target: SubscriptionTarget) {
        filter = try? EventFilter.parse(definition.filter)
        workflowID =
            target.workflowID.isEmpty
            ? nil : try? JSONTemplate(parsing: Self.quoted(target.workflowID))
        hasEnvelope = target.hasEnvelope
        switch target {
        case .stream, .agent: needsJSON = false
        case .workflow, .signal: needsJSON = true
        }
    }

    /// What is wrong with the text of a workflow id, to be read behind the field's name; `nil`: nothing.
    public static func fault(ofWorkflowID text: String) -> String? {
        if text.utf8.count > maxWorkflowIDBytes {
            return "is \(text.utf8.count) bytes; at most 1,024 are allowed"
        }
        do throws(JSONTemplateError) {
            let template = try JSONTemplate(parsing: quoted(text))
            for reference in template.references where !roots.contains(reference.root ?? "") {
                return "${\(reference)} refers to nothing; write ${topic}, ${key}, ${publisher}, "
                    + "${attributes.NAME} or ${payload.PATH}"
            }
            return template.references.count > 16 ? "has over 16 references" : nil
        } catch {
            return "is no template: \(error.problems.first?.description ?? "")"
        }
    }

    private static func quoted(_ text: String) -> [UInt8] {
        var writer = JSONWriter(reservedBytes: text.utf8.count + 2)
        writer.string(text)
        return writer.finish()
    }

    /// What the target is given; `nil`: the publication is not for it.
    ///
    /// - Parameter isFiltered: whether the filter is asked; not for what it has let pass before.
    public func delivery(of publication: Publication, isFiltered: Bool = true) -> EventDelivery? {
        let content = publication.content
        let looksInside = hasEnvelope || workflowID != nil || filter?.usesPayload == true
        let document = looksInside ? content.document() : nil
        if isFiltered, let filter, !filter.fits(content, document) { return nil }
        var delivery = EventDelivery(publication: publication, payload: content.payload)
        if needsJSON, !hasEnvelope, !content.isJSON {
            delivery.failure = Self.notJSON(content.payload.contentType)
            return delivery
        }
        if hasEnvelope || workflowID != nil {
            let envelope = EventEnvelope.make(publication, document)
            if hasEnvelope { delivery.payload = Payload(bytes: envelope) }
            if let workflowID { Self.name(&delivery, workflowID, envelope) }
        }
        return delivery
    }

    private static func name(
        _ delivery: inout EventDelivery, _ template: JSONTemplate, _ envelope: [UInt8]
    ) {
        do {
            let document = try JSONDocument(parsing: envelope)
            var lookup = JSONLookup(document)
            let bytes = try template.render(maxBytes: 8_192) { lookup.at($0.steps[...]) }
            let name = try JSONDocument(parsing: bytes).root
            // A reference that stands alone becomes the value itself, which may be a number.
            let text = name.string ?? String(decoding: bytes, as: UTF8.self)
            if (1...256).contains(text.utf8.count), name.kind != .object, name.kind != .array {
                delivery.workflowID = text
            } else {
                delivery.failure = badName(
                    "it gives \(text.utf8.count) bytes; 1 to 256 are allowed")
            }
        } catch {
            delivery.failure = badName("\(error)")
        }
    }

    private static func notJSON(_ contentType: String) -> StepFailure {
        StepFailure(
            type: "not_json", message: "the payload is \(contentType); workflows take JSON",
            retryable: false)
    }

    private static func badName(_ why: String) -> StepFailure {
        StepFailure(
            type: "bad_workflow_id", message: "the workflow id cannot be filled in: \(why)",
            retryable: false)
    }
}

/// A publication made ready for one target.
public struct EventDelivery: Sendable {
    /// What is delivered.
    public var publication: Publication
    /// What the target is given.
    public var payload: Payload
    /// Empty: none.
    public var workflowID = ""
    /// Why it cannot be given to the target.
    public var failure: StepFailure?

    /// Combines the parts.
    public init(publication: Publication, payload: Payload) {
        self.publication = publication
        self.payload = payload
    }
}

/// A publication as a JSON object.
public enum EventEnvelope {
    /// Its `topic`, `sequence`, `published_unix_millis`, `key`, `attributes`, `publisher` and
    /// `payload`, which is null when it is no JSON.
    public static func make(_ publication: Publication, _ document: JSONDocument?) -> [UInt8] {
        let content = publication.content
        var writer = JSONWriter(reservedBytes: content.byteCount + 160)
        writer.beginObject()
        writer.key("topic")
        writer.string(content.topic)
        writer.key("sequence")
        writer.integer(publication.sequence)
        writer.key("published_unix_millis")
        writer.integer(publication.atMillis)
        writer.key("key")
        writer.string(content.key)
        writer.key("attributes")
        writer.beginObject()
        for attribute in content.attributes {
            writer.key(attribute.name)
            writer.string(attribute.value)
        }
        writer.endObject()
        writer.key("publisher")
        writer.string(content.publisher)
        writer.key("payload")
        if let document { writer.value(document.root) } else { writer.null() }
        writer.endObject()
        return writer.finish()
    }
}
