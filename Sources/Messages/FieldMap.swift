/// A proto map: pairs in the order they were first written, each key once.
///
/// A list of pairs rather than a `Dictionary`, which costs several times more to fill for the
/// handful of entries a message carries. Look-up walks the pairs; for many look-ups in a large
/// map make ``dictionary`` once. Two maps are equal when they hold the same pairs in any order.
public struct FieldMap<Key: Hashable & Sendable, Value: Hashable & Sendable>: Sendable {
    /// One pair.
    public struct Entry: Sendable, Hashable {
        /// Once in its map, and what it stands for.
        public let key: Key
        public fileprivate(set) var value: Value

        /// Combines the two.
        public init(key: Key, value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// The pairs; no key occurs twice.
    public private(set) var entries: [Entry]

    /// No pairs.
    public init() {
        entries = []
    }

    /// From pairs in wire order. A key that comes again replaces the value it had.
    public init(lastWins pairs: consuming [Entry]) {
        if Self.haveDistinctKeys(pairs) {
            entries = pairs
            return
        }
        entries = []
        var places: [Key: Int] = [:]
        for pair in pairs {
            if let place = places[pair.key] {
                entries[place].value = pair.value
            } else {
                places[pair.key] = entries.count
                entries.append(pair)
            }
        }
    }

    /// The value of a key. Setting nil removes the pair.
    public subscript(key: Key) -> Value? {
        get { entries.first { $0.key == key }?.value }
        set {
            let place = entries.firstIndex { $0.key == key }
            switch (place, newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil): entries.remove(at: place)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The same pairs as a dictionary.
    public var dictionary: [Key: Value] {
        Dictionary(entries.lazy.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Below this many pairs comparing each with each is cheaper than hashing them.
    private static var fewPairs: Int { 8 }

    private static func haveDistinctKeys(_ pairs: [Entry]) -> Bool {
        guard pairs.count <= fewPairs else {
            return Set(pairs.lazy.map(\.key)).count == pairs.count
        }
        for later in pairs.indices.dropFirst() {
            for earlier in 0..<later where pairs[earlier].key == pairs[later].key {
                return false
            }
        }
        return true
    }
}

extension FieldMap: RandomAccessCollection {
    /// See `RandomAccessCollection`.
    public var startIndex: Int { entries.startIndex }
    public var endIndex: Int { entries.endIndex }
    /// The pair at a place.
    public subscript(position: Int) -> Entry { entries[position] }
}

extension FieldMap: ExpressibleByDictionaryLiteral {
    /// From pairs in their order. A key that comes again replaces the value it had.
    public init(dictionaryLiteral elements: (Key, Value)...) {
        self.init(lastWins: elements.map { Entry(key: $0.0, value: $0.1) })
    }
}

extension FieldMap: Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        guard left.count == right.count else { return false }
        return left.entries == right.entries || left.dictionary == right.dictionary
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(dictionary)
    }
}
