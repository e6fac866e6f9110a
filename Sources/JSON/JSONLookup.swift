/// Looks up many paths in one document: a container that is asked often gets an index of its own,
/// so that a thousand paths into an object of a million members do not compare a milliard names.
///
/// Answers as ``JSONView/at(_:)-(ArraySlice<JSONPathExpression.Step>)`` does. Belongs to one thread.
public struct JSONLookup {
    /// Questions to one container that are answered by walking over it; the next one builds its
    /// index, which costs about as much as some of them.
    private static let walks = 8

    private let document: JSONDocument
    private var questions: [Int: Int] = [:]
    private var members: [Int: [ArraySlice<UInt8>: Int]] = [:]
    private var elements: [Int: [Int]] = [:]

    /// Looks up paths in `document`.
    public init(_ document: JSONDocument) { self.document = document }

    /// The value at the end of a path from the root, or `nil` when a step is not there.
    public mutating func at(_ steps: ArraySlice<JSONPathExpression.Step>) -> JSONView? {
        var view = document.root
        for step in steps {
            guard let inner = value(of: step, in: view) else { return nil }
            view = inner
        }
        return view
    }

    private mutating func value(
        of step: JSONPathExpression.Step, in view: JSONView
    ) -> JSONView? {
        let asked = questions[view.index, default: 0]
        questions[view.index] = asked + 1
        let isFrequent = asked >= Self.walks
        switch step {
        case .name(let name):
            if !isFrequent { return view[name] }
            if members[view.index] == nil { members[view.index] = names(of: view) }
            return members[view.index]?[name.nameBytes].map {
                JSONView(document: document, index: $0)
            }
        case .index(let position):
            if !isFrequent { return view[position] }
            if elements[view.index] == nil { elements[view.index] = view.elements.map(\.index) }
            guard let found = elements[view.index], found.indices.contains(position) else {
                return nil
            }
            return JSONView(document: document, index: found[position])
        }
    }

    /// The index of the value of each name; of a repeated one, the last.
    private func names(of view: JSONView) -> [ArraySlice<UInt8>: Int] {
        var names: [ArraySlice<UInt8>: Int] = [:]
        for member in view.members { names[member.nameBytes] = member.value.index }
        return names
    }
}
