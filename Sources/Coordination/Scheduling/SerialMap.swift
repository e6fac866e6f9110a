/// A map from numbers that are given out one after another to small values.
///
/// A number's low bits are its place, so a look-up is a load and a compare where a general
/// dictionary hashes. Numbers alive together are mostly neighbours and so have places of their own;
/// one whose place is taken goes to a dictionary beside the table. The number 0 is not a key.
public struct SerialMap<Value: Sendable>: Sendable {
    @usableFromInline var keys: [UInt64]
    @usableFromInline var values: [Value]
    @usableFromInline var displaced: [UInt64: Value] = [:]
    @usableFromInline let vacant: Value
    @usableFromInline var placed = 0

    /// An empty map.
    ///
    /// - Parameter vacant: what empty places hold; cheap to copy, owning nothing.
    @inlinable public init(vacant: Value) {
        self.vacant = vacant
        keys = [UInt64](repeating: 0, count: 64)
        values = [Value](repeating: vacant, count: 64)
    }

    /// How many numbers have a value.
    @inlinable public var count: Int { placed + displaced.count }

    /// The value of a number; `nil`: it has none.
    @inlinable public subscript(key: UInt64) -> Value? {
        let place = place(of: key)
        if keys[place] == key, key != 0 { return values[place] }
        return displaced.isEmpty ? nil : displaced[key]
    }

    /// Sets the value of a number, which must not be 0.
    @inlinable public mutating func insert(_ value: Value, for key: UInt64) {
        precondition(key != 0, "0 is not a key of a serial map")
        if placed * 2 >= keys.count { grow() }
        // A number has its value in one of the two, never in both.
        if !displaced.isEmpty, displaced[key] != nil {
            displaced[key] = value
        } else {
            put(value, for: key)
        }
    }

    /// Takes a number's value out.
    @discardableResult
    @inlinable public mutating func remove(_ key: UInt64) -> Value? {
        let place = place(of: key)
        guard key != 0, keys[place] == key else {
            return displaced.isEmpty ? nil : displaced.removeValue(forKey: key)
        }
        let value = values[place]
        keys[place] = 0
        values[place] = vacant
        placed -= 1
        return value
    }

    /// Every number with its value, in no particular order.
    public var entries: [(key: UInt64, value: Value)] {
        keys.indices.compactMap { keys[$0] == 0 ? nil : (keys[$0], values[$0]) }
            + displaced.map { ($0.key, $0.value) }
    }

    @inlinable func place(of key: UInt64) -> Int {
        Int(truncatingIfNeeded: key) & (keys.count - 1)
    }

    @inlinable mutating func put(_ value: Value, for key: UInt64) {
        let place = place(of: key)
        if keys[place] == 0 {
            placed += 1
        } else if keys[place] != key {
            displaced[key] = value
            return
        }
        keys[place] = key
        values[place] = value
    }

    /// Twice the places; what had lost its own may have one again.
    @usableFromInline mutating func grow() {
        let old = entries
        keys = [UInt64](repeating: 0, count: keys.count * 2)
        values = [Value](repeating: vacant, count: keys.count)
        displaced = [:]
        placed = 0
        for (key, value) in old { put(value, for: key) }
    }
}
