import ArgumentParser
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
        } else if let number = Double(rest), number.isFinite {
            value = .number(number)
        } else {
            value = .text(rest)
        }
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
