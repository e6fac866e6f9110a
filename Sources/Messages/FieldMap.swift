/// The key of a proto map.
///
/// Two texts are the same key only when all their bytes are, as for every other peer; Swift's strings
/// are equal when they look alike.
public protocol FieldMapKey: Hashable, Sendable {
    /// What tells keys apart.
    associatedtype Exact: Hashable
    /// The key as it is compared.
    var exact: Exact { get }
}

extension FieldMapKey where Exact == Self {
    /// Numbers and truths are what they look like.
    public var exact: Self { self }
}

extension Bool: FieldMapKey {}
extension Int: FieldMapKey {}
extension Int32: FieldMapKey {}
extension Int64: FieldMapKey {}
extension UInt32: FieldMapKey {}
extension UInt64: FieldMapKey {}

extension String: FieldMapKey {
    /// The text, compared by its bytes.
    public var exact: ExactText { ExactText(text: self) }

    /// A text that is equal to another one when all their bytes are.
    public struct ExactText: Hashable, Sendable {
        let text: String

        /// Whether all bytes are the same.
        public static func == (one: Self, other: Self) -> Bool {
            one.text.utf8.count == other.text.utf8.count
                && one.text.utf8.elementsEqual(other.text.utf8)
        }

        /// Of the bytes: the text's own hash is one for all texts that look alike, and whoever sends
        /// many of those would make each meet all others.
        public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
    }
}

extension Hasher {
    /// Takes the bytes of a text, eight at a time, and their number.
    fileprivate mutating func combine(bytesOf text: String) {
        let bytes = text.utf8Span.span
        var word: UInt64 = 0
        for place in bytes.indices {
            word = word &<< 8 | UInt64(bytes[place])
            if place & 7 == 7 { combine(word) }
        }
        combine(word)
        combine(bytes.count)
    }
}

/// A proto map: pairs in the order they were first written, each key once.
///
/// A list of pairs rather than a `Dictionary`, which costs several times more to fill for the
/// handful of entries a message carries. Look-up walks the pairs; for many look-ups in a large
/// map make ``dictionary`` once. Two maps are equal when they hold the same pairs in any order.
public struct FieldMap<Key: FieldMapKey, Value: Hashable & Sendable>: Sendable {
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

        /// Whether the keys have the same bytes, and the values are equal.
        public static func == (one: Self, other: Self) -> Bool {
            one.key.exact == other.key.exact && one.value == other.value
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(key.exact)
            hasher.combine(value)
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
        var places: [Key.Exact: Int] = [:]
        for pair in pairs {
            if let place = places[pair.key.exact] {
                entries[place].value = pair.value
            } else {
                places[pair.key.exact] = entries.count
                entries.append(pair)
            }
        }
    }

    /// The value of a key. Setting nil removes the pair.
    public subscript(key: Key) -> Value? {
        get { place(of: key).map { entries[$0].value } }
        set {
            let place = place(of: key)
            switch (place, newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil): entries.remove(at: place)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    private func place(of key: Key) -> Int? {
        let exact = key.exact
        return entries.firstIndex { $0.key.exact == exact }
    }

    /// The same pairs as a dictionary, to which texts that look alike are one key, with the last of
    /// their values.
    public var dictionary: [Key: Value] {
        Dictionary(entries.lazy.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Below this many pairs comparing each with each is cheaper than hashing them.
    private static var fewPairs: Int { 8 }

    private static func haveDistinctKeys(_ pairs: [Entry]) -> Bool {
        guard pairs.count <= fewPairs else {
            return Set(pairs.lazy.map(\.key.exact)).count == pairs.count
        }
        for later in pairs.indices.dropFirst() {
            for earlier in 0..<later where pairs[earlier].key.exact == pairs[later].key.exact {
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
        return left.entries == right.entries || Set(left.entries) == Set(right.entries)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(Set(entries))
    }
}
