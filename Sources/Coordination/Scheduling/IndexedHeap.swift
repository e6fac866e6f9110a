/// A binary min-heap whose entries can be moved and removed by handle: deadlines that are mostly
/// cancelled, instances ordered by load.
///
/// Handles are small integers, used again after removal. Storage is a few flat arrays; insert,
/// update and remove are O(log n), and O(1) for the usual deadline that is later than all others.
public struct IndexedHeap<Element: Sendable>: Sendable {
    @usableFromInline var order: [Int32] = []
    @usableFromInline var positions: [Int32] = []
    @usableFromInline var keys: [Int64] = []
    @usableFromInline var elements: [Element?] = []
    @usableFromInline var freeHandles: [Int32] = []

    /// An empty heap.
    @inlinable public init() {}

    /// What is in it. O(1).
    @inlinable public var isEmpty: Bool { order.isEmpty }
    @inlinable public var count: Int { order.count }

    /// The smallest key; `nil` when empty.
    @inlinable public var smallestKey: Int64? { order.first.map { keys[Int($0)] } }

    /// The entry with the smallest key.
    @inlinable public var first: Element? { order.first.flatMap { elements[Int($0)] } }

    /// All entries, in no order.
    @inlinable public var unordered: some Sequence<Element> {
        order.lazy.compactMap { elements[Int($0)] }
    }

    /// The key of an entry.
    @inlinable public func key(of handle: Int32) -> Int64 { keys[Int(handle)] }

    /// Adds an entry and gives its handle.
    @inlinable public mutating func insert(_ element: Element, key: Int64) -> Int32 {
        let handle: Int32
        if let free = freeHandles.popLast() {
            handle = free
            keys[Int(handle)] = key
            elements[Int(handle)] = element
        } else {
            handle = Int32(keys.count)
            keys.append(key)
            elements.append(element)
            positions.append(0)
        }
        positions[Int(handle)] = Int32(order.count)
        order.append(handle)
        siftUp(order.count - 1)
        return handle
    }

    /// Gives an entry another key.
    @inlinable public mutating func update(_ handle: Int32, key: Int64) {
        let old = keys[Int(handle)]
        keys[Int(handle)] = key
        let position = Int(positions[Int(handle)])
        if key < old { siftUp(position) } else { siftDown(position) }
    }

    /// Takes an entry out; its handle must not be used any more.
    @inlinable @discardableResult
    public mutating func remove(_ handle: Int32) -> Element {
        let position = Int(positions[Int(handle)])
        precondition(position >= 0, "a heap handle was used after its removal")
        let last = order.count - 1
        if position != last {
            place(order[last], at: position)
            order.removeLast()
            siftDown(position)
            siftUp(position)
        } else {
            order.removeLast()
        }
        positions[Int(handle)] = -1
        freeHandles.append(handle)
        guard let element = elements[Int(handle)].take() else {
            preconditionFailure("a heap entry without its element")
        }
        return element
    }

    /// Takes out the entry with the smallest key if that key is at most `limit`.
    @inlinable public mutating func popFirst(upTo limit: Int64) -> Element? {
        guard let top = order.first, keys[Int(top)] <= limit else { return nil }
        return remove(top)
    }

    @inlinable
    mutating func place(_ handle: Int32, at position: Int) {
        order[position] = handle
        positions[Int(handle)] = Int32(position)
    }

    @inlinable
    mutating func siftUp(_ start: Int) {
        var position = start
        let handle = order[position]
        let key = keys[Int(handle)]
        while position > 0 {
            let parent = (position - 1) / 2
            if keys[Int(order[parent])] <= key { break }
            place(order[parent], at: position)
            position = parent
        }
        if position != start { place(handle, at: position) }
    }

    @inlinable
    mutating func siftDown(_ start: Int) {
        var position = start
        let handle = order[position]
        let key = keys[Int(handle)]
        while true {
            var child = position * 2 + 1
            if child >= order.count { break }
            if child + 1 < order.count, keys[Int(order[child + 1])] < keys[Int(order[child])] {
                child += 1
            }
            if keys[Int(order[child])] >= key { break }
            place(order[child], at: position)
            position = child
        }
        if position != start { place(handle, at: position) }
    }
}
