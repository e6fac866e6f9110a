import ArgumentParser
import Foundation
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

/// What `workflow run --conflict` may say.
enum ConflictChoice: String, ExpressibleByArgument, CaseIterable {
    case fail
    case useExisting = "use_existing"
    case terminateExisting = "terminate_existing"
    case enqueue

    var policy: ConflictPolicy {
        switch self {
        case .fail: .fail
        case .useExisting: .useExisting
        case .terminateExisting: .terminateExisting
        case .enqueue: .enqueue
        }
    }
}

extension RunAttribute {
    /// Reads `name=value`.
    init(_ text: String) throws(Failed) {
        guard let equals = text.firstIndex(of: "=") else {
            throw Failed(
                "--attribute \(text) must be a name, = and a value", exitCode: EX_USAGE)
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

    /// Whole numbers without a fraction.
    private static func shown(_ number: Double) -> String {
        Int64(exactly: number).map(String.init) ?? "\(number)"
    }

    /// As people read it.
    var shown: String {
        switch value {
        case .text(let text): "\(name)=\(text)"
        case .number(let number): "\(name)=\(Self.shown(number))"
        case .flag(let flag): "\(name)=\(flag)"
        case nil: name
        }
    }
}
