/// Which topics somebody wants: a topic's name, with `*` for any one level and, as the last, `>` for
/// one level or more.
public struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    public let text: String
    private let levels: [Substring]
    /// Whether it ends in `>`, which is not among `levels`.
    private let takesRest: Bool

    /// Every topic.
    public static let all = TopicPattern(text: ">", levels: [], takesRest: true)

    private init(text: String, levels: [Substring], takesRest: Bool) {
        self.text = text
        self.levels = levels
        self.takesRest = takesRest
    }

    /// Reads a pattern; `nil` when it is none, see ``fault(of:)``.
    public init?(_ text: String) {
        guard Self.fault(of: text) == nil else { return nil }
        var levels = text.split(separator: ".", omittingEmptySubsequences: false)
        let takesRest = levels.last == ">"
        if takesRest { levels.removeLast() }
        self.init(text: text, levels: levels, takesRest: takesRest)
    }

    /// What is wrong with a pattern, to be read behind the field's name; `nil`: nothing.
    public static func fault(of text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > TopicName.maxBytes {
            return "is \(text.utf8.count) bytes; at most 256 are allowed"
        }
        let levels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isRight =
            levels.count <= TopicName.maxLevels
            && levels.enumerated().allSatisfy { index, level in
                if level == "*" { return true }
                if level == ">" { return index == levels.count - 1 }
                return !level.isEmpty && level.utf8.allSatisfy(TopicName.isLevelByte)
            }
        if isRight { return nil }
        return
            "is no pattern: write a topic with '*' in the place of any level, or '>' as the last "
            + "for all that follows"
    }

    /// The one topic that fits; `nil`: it has a wildcard.
    public var topic: String? {
        takesRest || levels.contains("*") ? nil : text
    }

    /// Whether a topic fits.
    public func matches(_ topic: String) -> Bool {
        var rest = Substring(topic).utf8
        for (index, level) in levels.enumerated() {
            if rest.isEmpty { return false }
            let end = rest.firstIndex(of: UInt8(ascii: ".")) ?? rest.endIndex
            if level != "*", !rest[..<end].elementsEqual(level.utf8) { return false }
            let isLast = end == rest.endIndex
            rest = isLast ? rest[end...] : rest[rest.index(after: end)...]
            if isLast, index < levels.count - 1 { return false }
        }
        return takesRest ? !rest.isEmpty : rest.isEmpty
    }

    public var description: String { text }
}

extension [TopicPattern] {
    /// Whether a topic fits one of them.
    public func match(_ topic: String) -> Bool { contains { $0.matches(topic) } }

    /// The topics that fit, when none of them has a wildcard.
    public var topics: [String]? {
        var names: [String] = []
        for pattern in self {
            guard let name = pattern.topic else { return nil }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
