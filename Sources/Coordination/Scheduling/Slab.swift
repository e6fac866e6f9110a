/// Values in one flat array, named by small indices that are used again after removal.
public struct Slab<Element: Sendable>: Sendable {
    private var slots: [Element?] = []
    private var free: [Int32] = []
    /// How many values it holds.
    public private(set) var count = 0

    /// An empty slab.
    public init() {}

    /// Adds a value and gives its index.
    public mutating func insert(_ element: consuming Element) -> Int32 {
        count += 1
        if let index = free.popLast() {
            slots[Int(index)] = element
            return index
        }
        slots.append(element)
        return Int32(slots.count - 1)
    }

    /// Takes a value out; its index may name another one from now on.
    @discardableResult
    public mutating func remove(_ index: Int32) -> Element {
        guard let element = slots[Int(index)].take() else {
            preconditionFailure("slab index \(index) names nothing")
        }
        free.append(index)
        count -= 1
        return element
    }

    /// The value at `index`, which must be in use.
    public subscript(index: Int32) -> Element {
        get {
            guard let element = slots[Int(index)] else {
                preconditionFailure("slab index \(index) names nothing")
            }
            return element
        }
        _modify {
            precondition(slots[Int(index)] != nil, "slab index \(index) names nothing")
            yield &slots[Int(index)]!
        }
    }

    /// Whether an index names a value.
    public func contains(_ index: Int32) -> Bool {
        index >= 0 && Int(index) < slots.count && slots[Int(index)] != nil
    }

    /// Every index in use, ascending.
    public var indices: [Int32] {
        slots.indices.compactMap { slots[$0] == nil ? nil : Int32($0) }
    }
}
