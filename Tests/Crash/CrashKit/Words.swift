/// The options of a command line, each a name and a value.
package struct Words {
    private var values: [String: String] = [:]

    package init(_ words: [String]) {
        for (name, value) in zip(words.dropFirst(), words.dropFirst(2)) where name.hasPrefix("--") {
            values[name] = value
        }
    }

    package subscript(_ name: String, default value: String) -> String { values[name] ?? value }

    package subscript<Number: FixedWidthInteger>(
        _ name: String, default value: Number
    ) -> Number {
        values[name].flatMap { Number($0) } ?? value
    }
}
