/// What somebody set, written out for people field by field in the words of the API: what is kept for
/// ever must not change its words with the names of types and cases.
struct PlainText {
    private(set) var text = ""
    private var prefix = ""

    /// Adds a number or a word; `nil`: nothing was set.
    mutating func add(_ field: String, _ value: (some CustomStringConvertible)?) {
        guard let value else { return }
        if !text.isEmpty { text += ", " }
        text += "\(prefix)\(field): \(value)"
    }

    /// Adds what somebody wrote, in quotation marks; an empty text was not set.
    mutating func add(quoting text: String, _ field: String) {
        if !text.isEmpty { add(field, Self.quoted(text)) }
    }

    /// Adds texts; no texts were not set.
    mutating func add(quoting texts: [String], _ field: String) {
        if texts.isEmpty { return }
        add(field, "[\(texts.map(Self.quoted).joined(separator: ", "))]")
    }

    /// Adds the fields of a part.
    mutating func add(part: String, _ fields: (inout PlainText) -> Void) {
        let outer = prefix
        prefix += "\(part)."
        fields(&self)
        prefix = outer
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { result += "\\" }
            result.unicodeScalars.append(character)
        }
        return result + "\""
    }
}
