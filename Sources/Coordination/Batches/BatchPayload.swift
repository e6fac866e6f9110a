import JSON

/// The bytes of a batch: many items as one payload, one answer as many.
public enum BatchPayload {
    /// What an item came to.
    public enum ItemResult: Sendable, Hashable {
        case value(Payload)
        case failure(StepFailure)
    }

    /// `{"items":[...]}`. O(bytes): call it outside the engine's decisions.
    ///
    /// - Parameter items: JSON texts.
    public static func join(_ items: [Payload]) -> Payload {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(items.reduce(16) { $0 + $1.bytes.count + 1 })
        bytes.append(contentsOf: #"{"items":["#.utf8)
        for (place, item) in items.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: item.bytes)
        }
        bytes.append(contentsOf: "]}".utf8)
        return Payload(bytes: bytes)
    }

    /// Reads `{"results":[...]}` with as many members as there were items. O(bytes).
    ///
    /// - Returns: one result for each item, or why the answer as a whole cannot be read: a failure of
    ///   type `batch_answer_invalid` that is not tried again.
    public static func split(
        _ answer: Payload, count: Int
    ) -> Result<[ItemResult], StepFailure> {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(parsing: answer.bytes)
        } catch {
            return .failure(invalid("is no JSON: \(error.message)"))
        }
        guard let results = document.root["results"], results.kind == .array else {
            return .failure(invalid(#"has no array "results""#))
        }
        guard results.count == count else {
            return .failure(invalid("has \(results.count) results for \(count) items"))
        }
        return .success(results.elements.enumerated().map { result($1, $0) })
    }

    private static func result(_ view: JSONView, _ place: Int) -> ItemResult {
        if let value = view["value"] { return .value(Payload(bytes: Array(value.rawBytes))) }
        guard let failure = view["failure"], failure.kind == .object else {
            return .failure(
                invalid(#"has neither "value" nor "failure" in results[\#(place)]"#))
        }
        return .failure(
            StepFailure(
                type: failure["type"]?.string ?? "item_failed",
                message: failure["message"]?.string ?? "",
                retryable: failure["retryable"]?.bool ?? false,
                retryAfterMillis: failure["retry_after_millis"]?.int64
            ).bounded)
    }

    private static func invalid(_ why: String) -> StepFailure {
        StepFailure(
            type: "batch_answer_invalid",
            message: "the batch's answer \(why)".prefix(bytes: 1_024), retryable: false)
    }
}
