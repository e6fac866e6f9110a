/// Where in a value the coder is; made cheaply on the way down, spelled out only for errors.
struct CodingPlace: Sendable {
    static let root = CodingPlace(container: nil, step: nil)

    private let container: Container?
    private let step: JSONPathExpression.Step?

    /// A place that has places inside it; shared by all of them.
    final class Container: Sendable {
        let place: CodingPlace

        init(_ place: CodingPlace) { self.place = place }

        func place(of key: some CodingKey) -> CodingPlace {
            CodingPlace(container: self, step: .name(key.stringValue))
        }

        func place(at index: Int) -> CodingPlace {
            CodingPlace(container: self, step: .index(index))
        }
    }

    private init(container: Container?, step: JSONPathExpression.Step?) {
        self.container = container
        self.step = step
    }

    private var steps: [JSONPathExpression.Step] {
        (container?.place.steps ?? []) + (step.map { [$0] } ?? [])
    }

    /// `listings[3].open_time`; empty for the root.
    var path: String { JSONPathExpression(steps: steps).description }

    /// The same for user code that asks its coder.
    var codingPath: [any CodingKey] { steps.map(PlaceKey.init) }

    func error(_ code: JSONError.Code, _ message: String) -> JSONError {
        JSONError(code, message, path: path)
    }
}

/// A coding key made from a member name or an element number.
struct PlaceKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: JSONPathExpression.Step) {
        switch step {
        case .name(let name):
            stringValue = name
            intValue = nil
        case .index(let index):
            stringValue = "Index \(index)"
            intValue = index
        }
    }

    init(stringValue: String) { self.init(.name(stringValue)) }

    init(intValue: Int) { self.init(.index(intValue)) }

    static let `super` = PlaceKey(stringValue: "super")
}

extension JSONPathExpression {
    /// The path that user code or the standard library gives with its own errors.
    init(codingPath: [any CodingKey]) {
        self.init(steps: codingPath.map { $0.intValue.map(Step.index) ?? .name($0.stringValue) })
    }
}
