import ArgumentParser
import JSON
import Messages

/// What `workflow run --reuse` may say.
enum ReuseChoice: String, ExpressibleByArgument, CaseIterable {
    case allow
    case allowIfFailed = "allow_if_failed"
    case reject

    var policy: ReusePolicy {
        switch self {
        case .allow: .allow
        case .allowIfFailed: .allowIfFailed
        case .reject: .reject
        }
    }
}

extension RunAttribute {
    /// Reads `name=value`.
    init(_ text: String) throws(Failed) {
        guard let equals = text.firstIndex(of: "=") else {
            throw Failed("--attribute \(text) must be a name, = and a value")
        }
        self.init()
        name = String(text[..<equals])
        let rest = String(text[text.index(after: equals)...])
        if let flag = Bool(rest) {
            value = .flag(flag)
        } else if let number = Self.number(rest) {
            value = .number(number)
        } else {
            value = .text(rest)
        }
    }

    /// A number as JSON writes it and a double holds it: `0x10` and `007` are text, and so is what
    /// would come back with other digits, since it is an id rather than an amount.
    private static func number(_ text: String) -> Double? {
        guard let root = try? JSONDocument(parsing: Array(text.utf8)).root,
            root.numberText == text, let number = root.double, number.isFinite
        else { return nil }
        if let whole = root.int64 { return Int64(exactly: number) == whole ? number : nil }
        let isWhole = !text.contains { ".eE".contains($0) }
        return isWhole ? nil : number
    }

    /// As people read it.
    var shown: String {
        switch value {
        case .text(let text): "\(name)=\(text)"
        case .number(let number): "\(name)=\(number)"
        case .flag(let flag): "\(name)=\(flag)"
        case nil: name
        }
    }
}
