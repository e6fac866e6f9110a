import Messages

/// The words that people read for the protos' enums.
extension WireEnum {
    /// The value's name in the proto without its enum's, such as `timed_out` of
    /// `RUN_STATUS_TIMED_OUT`; `nil` for one that says nothing or that this build does not know.
    var knownWord: String? {
        let enumWords = "\(Self.self)".count(where: \.isUppercase)
        let valueWords = (protoName ?? "").split(separator: "_").dropFirst(enumWords)
        let word = valueWords.joined(separator: "_").lowercased()
        return word.isEmpty || word == "unspecified" ? nil : word
    }

    /// The same, for places where something must stand.
    var word: String { knownWord ?? "unknown" }
}

extension CompensationState {
    /// Empty when nothing was to be undone.
    var word: String { knownWord ?? "" }
}

extension CacheTier {
    /// Empty when no tier answered.
    var word: String { knownWord ?? "" }
}

extension CacheResult {
    /// Empty when nothing was looked up.
    var word: String { knownWord ?? "" }
}

extension InvalidationCause {
    /// Empty when nothing was dropped.
    var word: String { knownWord ?? "" }
}

extension BreakerSeverity {
    /// Who says nothing means the middle.
    var word: String { self == .unspecified ? Self.medium.word : knownWord ?? "unknown" }
}

extension LockMode {
    /// Who says nothing wants it alone.
    var word: String { knownWord ?? Self.exclusive.word }
}

extension Messages.Agent {
    /// Where it stands with the failure isolator, unless it is well, and why it gets nothing new. One
    /// without credits is as busy as it says.
    var stateWords: String {
        let state = isolation?.state ?? .healthy
        let reasons = holds.filter { $0 != "no_credit" }
        let words = state == .healthy && !reasons.isEmpty ? reasons : [state.word] + reasons
        return words.joined(separator: " ")
    }
}
