import JSON

/// A word of the language, in any case.
enum ConditionWord: String {
    case and = "AND"
    case or = "OR"
    case not = "NOT"
    case isIn = "IN"
    case between = "BETWEEN"
    case startsWith = "STARTS_WITH"
    case exists = "EXISTS"
    case yes = "TRUE"
    case no = "FALSE"
    case null = "NULL"

    /// The word that a text is, if it is one.
    init?(_ text: some StringProtocol) {
        // The longest word; longer texts need not be made upper-case to be known.
        guard text.utf8.count <= 11 else { return nil }
        self.init(rawValue: text.uppercased())
    }
}

/// One piece of a condition's text.
enum ConditionToken {
    case word(ConditionWord)
    case path(JSONPathExpression)
    case literal(ConditionValue)
    case comparison(Condition.Comparison)
    case open
    case close
    case comma
    case end
}
