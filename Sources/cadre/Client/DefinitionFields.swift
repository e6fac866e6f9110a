import JSON
import Yams

/// A YAML mapping read field by field; what is absent has the proto's default.
struct Fields {
    let place: String
    private let mapping: Node.Mapping

    init(_ node: Node, _ place: String) throws(Failed) {
        guard let mapping = node.mapping else {
            throw Failed(content: "\(place) must be a mapping of names to values")
        }
        self.mapping = mapping
        self.place = place
    }

    subscript(name: String) -> Node? { mapping[Node(name)] }

    /// Refuses keys that are not among `names`.
    func know(_ names: [String]) throws(Failed) {
        for key in mapping.keys where !names.contains(key.string ?? "") {
            throw Failed(
                content: "\(place) has no field \(key.string ?? "of this kind"); it has "
                    + names.joined(separator: ", "))
        }
    }

    func text(_ name: String) throws(Failed) -> String {
        guard let node = self[name] else { return "" }
        guard let scalar = node.scalar else { throw wrong(name, "a text") }
        return scalar.string
    }

    func texts(_ name: String) throws(Failed) -> [String] {
        var texts: [String] = []
        for node in try list(name) {
            guard let scalar = node.scalar else { throw wrong(name, "a list of texts") }
            texts.append(scalar.string)
        }
        return texts
    }

    func list(_ name: String) throws(Failed) -> [Node] {
        guard let node = self[name] else { return [] }
        guard let sequence = node.sequence else { throw wrong(name, "a list") }
        return Array(sequence)
    }

    func integer(_ name: String) throws(Failed) -> Int64 {
        guard let node = self[name] else { return 0 }
        guard let value = CoreSchema.integer(node) else { throw wrong(name, "a whole number") }
        return value
    }

    func number(_ name: String) throws(Failed) -> Double {
        guard let node = self[name] else { return 0 }
        guard let value = CoreSchema.double(node) else { throw wrong(name, "a number") }
        return value
    }

    func flag(_ name: String) throws(Failed) -> Bool {
        guard let node = self[name] else { return false }
        guard let value = CoreSchema.flag(node) else { throw wrong(name, "true or false") }
        return value
    }

    /// A value as a JSON template; empty when absent.
    func template(_ name: String) -> String {
        guard let node = self[name] else { return "" }
        var writer = JSONWriter()
        writer.yaml(node)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private func wrong(_ name: String, _ expected: String) -> Failed {
        Failed(content: "\(place).\(name) must be \(expected)")
    }

    /// The fields of a mapping inside this one; `nil` when it is absent.
    func inner(_ name: String) throws(Failed) -> Fields? {
        guard let node = self[name] else { return nil }
        return try Fields(node, "\(place).\(name)")
    }

    /// One of some words; the first when absent.
    func choice<Value>(_ name: String, _ choices: KeyValuePairs<String, Value>) throws(Failed)
        -> Value
    {
        let word = try text(name)
        let usual = word.isEmpty ? choices.first?.value : nil
        guard let value = usual ?? choices.first(where: { $0.key == word })?.value else {
            let words = choices.map(\.key).joined(separator: ", ")
            throw Failed(content: "\(place).\(name) is \"\(word)\"; it may be \(words)")
        }
        return value
    }
}
