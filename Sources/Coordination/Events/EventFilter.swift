public import JSON

/// A condition over publications: `topic`, `key`, `publisher`, `attributes.NAME` and `payload.PATH`.
public struct EventFilter: Sendable {
    /// As it was written.
    public let text: String
    private let condition: Condition
    /// Whether it looks into payloads.
    public let usesPayload: Bool

    /// Bytes of a filter.
    public static let maxBytes = 4_096
    /// What a condition may ask for.
    public static let fields = ["topic", "key", "publisher", "attributes", "payload"]

    /// Why a text is no filter.
    public struct ParseFailure: Error, Sendable, Hashable {
        /// What is wrong and what would be right.
        public let message: String
    }

    /// Reads a filter; empty text means every publication.
    public static func parse(_ text: String) throws(ParseFailure) -> EventFilter? {
        if text.utf8.count > maxBytes {
            throw ParseFailure(message: "is \(text.utf8.count) bytes; at most 4,096 are allowed")
        }
        if text.allSatisfy(\.isWhitespace) { return nil }
        do throws(ConditionError) {
            return try EventFilter(text)
        } catch {
            throw ParseFailure(message: "is no condition: \(error.description)")
        }
    }

    private init(_ text: String) throws(ConditionError) {
        let condition = try Condition(parsing: text)
        for path in condition.paths where !Self.isField(path) {
            throw ConditionError(
                at: 1,
                "\(path) is nothing that publications have; write topic, key, publisher, "
                    + "attributes.NAME or payload.PATH")
        }
        self.text = text
        self.condition = condition
        usesPayload = condition.paths.contains { $0.root == "payload" }
    }

    private static func isField(_ path: JSONPathExpression) -> Bool {
        switch path.root {
        case "topic", "key", "publisher": path.steps.count == 1
        case "attributes": path.steps.count == 2
        case "payload": true
        default: false
        }
    }

    /// Whether it holds.
    ///
    /// - Parameter document: the payload, made ready once for all that look into it; `nil`: it is no
    ///   JSON.
    public func fits(_ content: PublicationContent, _ document: JSONDocument?) -> Bool {
        var scope = Scope(content: content, lookup: document.map { JSONLookup($0) })
        return condition.holds(in: &scope)
    }

    private struct Scope: ConditionScope {
        let content: PublicationContent
        var lookup: JSONLookup?

        mutating func value(at path: JSONPathExpression) -> ConditionValue? {
            switch path.root {
            case "topic": return .string(content.topic)
            case "key": return content.key.isEmpty ? nil : .string(content.key)
            case "publisher": return .string(content.publisher)
            case "attributes":
                guard case .name(let name) = path.steps[1] else { return nil }
                return content.attributes.first { $0.name == name }.map { .string($0.value) }
            default: return lookup?.at(path.steps.dropFirst()).map(ConditionValue.init)
            }
        }
    }
}

extension PublicationContent {
    /// The payload made ready to be looked into; `nil`: it is no JSON.
    public func document() -> JSONDocument? {
        isJSON ? try? JSONDocument(parsing: payload.bytes) : nil
    }
}
