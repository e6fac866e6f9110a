/// What the instances of one agent type can do, and how many of them.
///
/// When the last instance leaves, its operations stay known until the next one joins, so that
/// callers hear that nobody is there and not that nobody could do it.
struct TypeOperations: Sendable {
    /// An operation is idempotent if its last word said so.
    private(set) var all: [OperationDescriptor] = []
    /// How many instances have each.
    private var holders: [Int] = []
    private var places: [String: Int] = [:]
    /// What the type itself promises, whether an instance is there or not.
    private var promised: [OperationDescriptor] = []

    /// Few names are compared faster than hashed.
    private static let fewNames = 8

    subscript(name: String) -> OperationDescriptor? { place(of: name).map { all[$0] } }

    /// Whether an operation is known, without a copy of what is said of it.
    func has(_ name: String) -> Bool { place(of: name) != nil }

    /// How many of the instances have an operation.
    func holders(of name: String) -> Int { place(of: name).map { holders[$0] } ?? 0 }

    private func place(of name: String) -> Int? {
        if all.count > Self.fewNames { return places[name] }
        for index in all.indices where all[index].name == name { return index }
        return nil
    }

    /// Every instance will have these: they stay known while none is there.
    mutating func promise(_ operations: [OperationDescriptor]) {
        promised = operations
        addPromised()
    }

    private mutating func addPromised() {
        for operation in promised where places[operation.name] == nil {
            places[operation.name] = all.count
            all.append(operation)
            holders.append(0)
        }
    }

    /// An instance joins so many others.
    mutating func joined(_ operations: [OperationDescriptor], beside others: Int) {
        if others == 0 {
            all = []
            holders = []
            places = [:]
            addPromised()
        }
        var counted: Set<String> = []
        for operation in operations {
            let isFirst = counted.insert(operation.name).inserted
            if let place = places[operation.name] {
                all[place] = operation
                if isFirst { holders[place] += 1 }
            } else {
                places[operation.name] = all.count
                all.append(operation)
                holders.append(1)
            }
        }
    }

    /// An instance leaves, and so many stay.
    mutating func left(_ operations: [OperationDescriptor], leaving others: Int) {
        for name in Set(operations.map(\.name)) {
            if let place = places[name] { holders[place] -= 1 }
        }
        if others > 0, holders.contains(0) { forgetUnheld() }
    }

    private mutating func forgetUnheld() {
        let kept = all.indices.filter { holders[$0] > 0 }
        all = kept.map { all[$0] }
        holders = kept.map { holders[$0] }
        places = [:]
        for (place, operation) in all.enumerated() { places[operation.name] = place }
        addPromised()
    }
}
