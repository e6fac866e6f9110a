/// Values in one flat array, named by small indices that are used again after removal.
///
/// A free slot holds a vacant value rather than `nil`, so that elements are read and changed in
/// place: unwrapping an optional of a large value copies it.
public struct Slab<Element: Sendable>: Sendable {
    @usableFromInline var slots: [Element] = []
    @usableFromInline var isUsed: [Bool] = []
    @usableFromInline var free: [Int32] = []
    @usableFromInline let vacant: Element

    /// An empty slab.
    ///
    /// - Parameter vacant: what free slots hold; cheap to copy, owning nothing.
    @inlinable public init(vacant: Element) { self.vacant = vacant }

    /// How many values it holds.
    @inlinable public var count: Int { slots.count - free.count }

    /// Adds a value and gives its index.
    @inlinable public mutating func insert(_ element: consuming Element) -> Int32 {
        if let index = free.popLast() {
            slots[Int(index)] = element
            isUsed[Int(index)] = true
            return index
        }
        slots.append(element)
        isUsed.append(true)
        return Int32(slots.count - 1)
    }

    /// Takes a value out; its index may name another one from now on.
    @inlinable public mutating func remove(_ index: Int32) {
        precondition(isUsed[Int(index)], "a slab index names nothing")
        isUsed[Int(index)] = false
        slots[Int(index)] = vacant
        free.append(index)
    }

    /// The value at `index`, which must be in use. Reached in place, without a copy.
    @inlinable public subscript(index: Int32) -> Element {
        _read { yield slots[Int(index)] }
        _modify { yield &slots[Int(index)] }
    }

    /// Whether an index names a value.
    @inlinable public func contains(_ index: Int32) -> Bool {
        index >= 0 && Int(index) < slots.count && isUsed[Int(index)]
    }

    /// Every index in use, ascending.
    @inlinable public var indices: [Int32] {
        isUsed.indices.compactMap { isUsed[$0] ? Int32($0) : nil }
    }
}
