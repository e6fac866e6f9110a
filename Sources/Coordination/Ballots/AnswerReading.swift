import JSON

/// What the rules of a ballot make of an answer.
public enum AnswerReading: Sendable, Hashable {
    /// Equal answers have equal keys.
    case key(AnswerKey)
    /// Finite.
    case number(Double)
    /// Options, the best first, all different; as JSON text.
    case ranking([String])

    /// Reads an answer. O(bytes): call it outside the engine's decisions.
    ///
    /// - Returns: the reading, or a failure of type `answer_unreadable` that says what is wrong.
    public static func read(
        _ answer: Payload, _ rules: BallotRules
    ) -> Result<AnswerReading, StepFailure> {
        let equivalence = rules.equivalence
        if equivalence.rule == .bytes { return .success(.key(AnswerKey(answer.bytes))) }
        do throws(JSONError) {
            var view = try JSONDocument(parsing: answer.bytes).root
            if !equivalence.field.isEmpty {
                let path = try JSONPathExpression(parsing: equivalence.field)
                guard let inner = view.at(path) else {
                    return .failure(unreadable("has no field \(equivalence.field)"))
                }
                view = inner
            }
            return read(view, rules)
        } catch {
            return .failure(unreadable("is no JSON: \(error.message)"))
        }
    }

    /// The most options that one answer can rank.
    public static let maxOptions = 32

    private static func read(
        _ view: JSONView, _ rules: BallotRules
    ) -> Result<AnswerReading, StepFailure> {
        if rules.method == .ranked { return ranking(view) }
        guard rules.equivalence.rule == .number else {
            return .success(.key(AnswerKey(view.canonicalBytes)))
        }
        guard let number = view.double, number.isFinite else {
            return .failure(unreadable("is no number"))
        }
        return .success(.number(number))
    }

    private static func ranking(_ view: JSONView) -> Result<AnswerReading, StepFailure> {
        guard view.kind == .array, (1...maxOptions).contains(view.count) else {
            return .failure(unreadable("is no array of 1 to \(maxOptions) options"))
        }
        let options = view.elements.map { String(decoding: $0.canonicalBytes, as: UTF8.self) }
        guard Set(options).count == options.count else {
            return .failure(unreadable("ranks an option twice"))
        }
        return .success(.ranking(options))
    }

    private static func unreadable(_ why: String) -> StepFailure {
        StepFailure(
            type: "answer_unreadable", message: "the answer \(why)".prefix(bytes: 1_024),
            retryable: false)
    }

    /// What an outcome is compared by later: a number, or the key of what was said; of a ranking, of
    /// its first option.
    public var value: AnswerValue {
        switch self {
        case .key(let key): .key(key)
        case .number(let number): .number(number)
        case .ranking(let options): .key(AnswerKey(Array((options.first ?? "").utf8)))
        }
    }
}

/// What a voter said, in a few bytes.
public enum AnswerValue: Sendable, Hashable {
    case key(AnswerKey)
    case number(Double)
}

/// 128 bits that stand for the bytes of an answer: the same in every process, not proof against
/// somebody who looks for two answers with one key.
public struct AnswerKey: Sendable, Hashable {
    /// Its halves.
    public let high: UInt64
    public let low: UInt64

    /// The key of some bytes.
    public init(_ bytes: [UInt8]) {
        var first = StableHash(seed: 0)
        first.combine(bytes)
        var second = StableHash(seed: 0x5bd1_e995)
        second.combine(bytes)
        high = first.value
        low = second.value
    }

    /// A key that was stored.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
