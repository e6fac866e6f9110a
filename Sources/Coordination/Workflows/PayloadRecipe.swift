public import JSON

/// How a payload comes from stored ones: a step's input from the run's input and the outputs
/// before it, or the run's result.
public enum PayloadRecipe: Sendable {
    /// The stored payload as it is; its id is shared.
    case whole(PayloadID)
    /// A rendered template. An output that does not exist (an optional step failed) is `null`.
    case template(InputTemplate, input: PayloadID?, outputs: [String: PayloadID])
    /// A JSON object of outputs by step id.
    case collected([Collected])
    /// A JSON array of how each element of a list ended: `{"output":...}` or
    /// `{"failure":{"type":...,"message":...}}`.
    case settled([Settled])
    /// `true` or `false`: whether a step's condition holds.
    case condition(StepCondition, input: PayloadID?, outputs: [String: PayloadID])
    /// A payload that must fit a contract.
    case checked(JSONSchema, PayloadID)

    /// One member of a collected object.
    public struct Collected: Sendable, Hashable {
        /// The member's name, and the stored payload that is its value.
        public var step: String
        public var output: PayloadID

        /// Names a member.
        public init(step: String, output: PayloadID) {
            self.step = step
            self.output = output
        }
    }

    /// How one element of a list ended: by an output or a failure.
    public struct Settled: Sendable, Hashable {
        /// One of the two is set.
        public var output: PayloadID?
        public var failure: StepFailure?

        /// Combines the parts.
        public init(output: PayloadID?, failure: StepFailure?) {
            self.output = output
            self.failure = failure
        }
    }

    /// The stored payloads it is made from.
    public var sources: [PayloadID] {
        switch self {
        case .whole(let id): [id]
        case .template(_, let input, let outputs), .condition(_, let input, let outputs):
            (input.map { [$0] } ?? []) + outputs.values
        case .checked(_, let id): [id]
        case .collected(let outputs): outputs.map(\.output)
        case .settled(let outcomes): outcomes.compactMap(\.output)
        }
    }

    /// Makes the payload. O(``workBytes(_:)``): call it outside the engine's decisions.
    ///
    /// - Parameters:
    ///   - loaded: at least the ``sources``.
    ///   - purpose: what the payload will be, which bounds its size; an input unless set.
    /// - Returns: the payload, or a failure that is not tried again and names the culprit.
    public func render(
        _ loaded: [PayloadID: Payload], for purpose: PayloadPurpose = .stepInput
    ) -> Result<Payload, StepFailure> {
        switch self {
        case .whole(let id):
            guard let payload = loaded[id] else { return .failure(Self.missing(id)) }
            return .success(payload)
        case .template(let template, let input, let outputs):
            return Self.render(template, input, outputs, loaded, purpose)
        case .collected(let outputs):
            return Self.collect(outputs, loaded, purpose)
        case .settled(let outcomes):
            return Self.settle(outcomes, loaded, purpose)
        case .condition(let condition, let input, let outputs):
            return Self.documents(input, outputs, loaded).map {
                Payload(bytes: Array((condition.holds($0) ? "true" : "false").utf8))
            }
        case .checked(let schema, let id): return Self.check(schema, id, loaded)
        }
    }

    /// About how many bytes making the payload looks at and writes: a template's own text and,
    /// for every reference, its whole source, which is read to find the value and may be the value.
    public func workBytes(_ loaded: [PayloadID: Payload]) -> Int {
        let size = { (id: PayloadID?) in id.flatMap { loaded[$0] }?.bytes.count ?? 0 }
        switch self {
        case .whole: return 0
        case .collected(let outputs): return outputs.reduce(0) { $0 + size($1.output) }
        case .settled(let outcomes): return outcomes.reduce(0) { $0 + size($1.output) + 64 }
        case .condition(let condition, let input, let outputs):
            return condition.paths * outputs.values.reduce(size(input)) { $0 + size($1) }
        // What a contract costs does not follow from the length of the payload.
        case .checked: return .max
        case .template(let template, let input, let outputs):
            return template.uses.reduce(template.textBytes) { sum, use in
                switch use.key {
                case .input: sum + use.value * size(input)
                case .output(let step): sum + use.value * size(outputs[step])
                }
            }
        }
    }

    private static func render(
        _ template: InputTemplate, _ input: PayloadID?, _ outputs: [String: PayloadID],
        _ loaded: [PayloadID: Payload], _ purpose: PayloadPurpose
    ) -> Result<Payload, StepFailure> {
        documents(input, outputs, loaded).flatMap { documents in
            template.render(documents, for: purpose).map { Payload(bytes: $0) }
        }
    }

    private static func documents(
        _ input: PayloadID?, _ outputs: [String: PayloadID], _ loaded: [PayloadID: Payload]
    ) -> Result<[PayloadSource: JSONDocument], StepFailure> {
        var documents: [PayloadSource: JSONDocument] = [:]
        if let input {
            switch parse(input, "the run's input", loaded) {
            case .success(let document): documents[.input] = document
            case .failure(let failure): return .failure(failure)
            }
        }
        for (step, id) in outputs {
            switch parse(id, "the output of step \"\(step)\"", loaded) {
            case .success(let document): documents[.output(step: step)] = document
            case .failure(let failure): return .failure(failure)
            }
        }
        return .success(documents)
    }

    private static func check(
        _ schema: JSONSchema, _ id: PayloadID, _ loaded: [PayloadID: Payload]
    ) -> Result<Payload, StepFailure> {
        guard let payload = loaded[id] else { return .failure(missing(id)) }
        let faults: [String]
        do throws(JSONError) {
            let document = try JSONDocument(parsing: payload.bytes)
            faults = schema.faults(of: document.root).map(\.description)
        } catch {
            faults = ["is no JSON: \(error)"]
        }
        guard !faults.isEmpty else { return .success(payload) }
        let text = faults.prefix(10).joined(separator: "; ")
        return .failure(
            StepFailure(
                type: "contract_violated",
                message: text + (faults.count > 10 ? "; and \(faults.count - 10) more" : ""),
                retryable: true
            ).bounded)
    }

    private static func collect(
        _ outputs: [Collected], _ loaded: [PayloadID: Payload], _ purpose: PayloadPurpose
    ) -> Result<Payload, StepFailure> {
        let size = outputs.reduce(outputs.count + 1) { sum, member in
            sum + member.step.utf8.count + 3 + (loaded[member.output]?.bytes.count ?? 0)
        }
        if size > purpose.maxBytes { return .failure(purpose.tooLarge) }
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, member) in outputs.enumerated() {
            switch parse(member.output, "the output of step \"\(member.step)\"", loaded) {
            case .failure(let failure): return .failure(failure)
            case .success: break
            }
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            // Step ids are plain ASCII words, so no character of theirs needs escaping.
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: member.step.utf8)
            bytes.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: ":")])
            bytes.append(contentsOf: loaded[member.output]?.bytes ?? [])
        }
        bytes.append(UInt8(ascii: "}"))
        return .success(Payload(bytes: bytes))
    }

    private static func settle(
        _ outcomes: [Settled], _ loaded: [PayloadID: Payload], _ purpose: PayloadPurpose
    ) -> Result<Payload, StepFailure> {
        var writer = JSONWriter()
        var size = 2
        writer.beginArray()
        for outcome in outcomes {
            writer.beginObject()
            if let output = outcome.output {
                switch parse(output, "the output of an element", loaded) {
                case .failure(let failure): return .failure(failure)
                case .success(let document):
                    size += document.bytes.count + 12
                    if size > purpose.maxBytes { return .failure(purpose.tooLarge) }
                    writer.key("output")
                    writer.value(document.root)
                }
            } else if let failure = outcome.failure {
                size += failure.message.utf8.count + 320
                writer.key("failure")
                writer.beginObject()
                writer.key("type")
                writer.string(failure.type)
                writer.key("message")
                writer.string(failure.message)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.endArray()
        if size > purpose.maxBytes { return .failure(purpose.tooLarge) }
        return .success(Payload(bytes: writer.finish()))
    }

    private static func parse(
        _ id: PayloadID, _ what: String, _ loaded: [PayloadID: Payload]
    ) -> Result<JSONDocument, StepFailure> {
        guard let payload = loaded[id] else { return .failure(missing(id)) }
        do {
            return .success(try JSONDocument(parsing: payload.bytes))
        } catch {
            return .failure(
                StepFailure(
                    type: "not_json",
                    message: "\(what) is not JSON (\(error)); templates reach into JSON only, "
                        + "hand other payloads on whole", retryable: false))
        }
    }

    private static func missing(_ id: PayloadID) -> StepFailure {
        StepFailure(
            type: "payload_missing",
            message: "stored payload \(RunID(serial: id.serial)) is not in the store; "
                + "the data directory is damaged, restore a backup", retryable: false)
    }
}
