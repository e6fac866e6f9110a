import JSON

extension Payload {
    /// The elements of a JSON array, a payload each.
    ///
    /// - Parameter limit: the most elements; more are a failure that says so.
    public func elements(atMost limit: Int) -> Result<[Payload], StepFailure> {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(parsing: bytes)
        } catch {
            return .failure(Self.noList("is not JSON (\(error))"))
        }
        guard document.root.kind == .array else {
            return .failure(Self.noList("is no JSON array"))
        }
        guard document.root.count <= limit else {
            return .failure(
                StepFailure(
                    type: "list_too_long",
                    message: "the list has \(document.root.count) elements, a step takes at most "
                        + "\(limit); split it", retryable: false))
        }
        return .success(document.root.elements.map { Payload(bytes: Array($0.rawBytes)) })
    }

    private static func noList(_ what: String) -> StepFailure {
        StepFailure(
            type: "no_list",
            message: "the input \(what); a fan_out step needs a list, such as "
                + "\"${steps.fetch.output.items}\"", retryable: false)
    }
}
