/// Reads the members of an object.
struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let object: JSONView
    private let container: CodingPlace.Container
    /// Members by name, for objects so large that looking through them each time would cost more.
    private let index: [ArraySlice<UInt8>: JSONView]?

    /// Objects of up to this many members are looked through, larger ones are indexed.
    private static var largestUnindexedCount: Int { 24 }

    init(_ view: JSONView, at place: CodingPlace) throws(JSONError) {
        try view.require(.object, at: place)
        object = view
        container = CodingPlace.Container(place)
        guard view.count > Self.largestUnindexedCount else {
            index = nil
            return
        }
        index = Dictionary(view.members.map { ($0.nameBytes, $0.value) }) { _, last in last }
    }

    var codingPath: [any CodingKey] { container.place.codingPath }

    var allKeys: [Key] {
        var seen: Set<ArraySlice<UInt8>> = []
        return object.members.filter { seen.insert($0.nameBytes).inserted }
            .compactMap { Key(stringValue: $0.name) }
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws(JSONError) -> Bool { try member(key).view.isNull }

    func decode<Value: Decodable>(
        _ type: Value.Type, forKey key: Key
    ) throws(JSONError) -> Value {
        try member(key).decode(type)
    }

    /// One look-up, where the protocol's own version makes three.
    func decodeIfPresent<Value: Decodable>(
        _ type: Value.Type, forKey key: Key
    ) throws(JSONError) -> Value? {
        guard let view = find(key), !view.isNull else { return nil }
        return try ValueDecoder(view: view, place: container.place(of: key)).decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws(JSONError) -> KeyedDecodingContainer<NestedKey> {
        try member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(
        forKey key: Key
    ) throws(JSONError) -> any UnkeyedDecodingContainer {
        try member(key).unkeyedContainer()
    }

    func superDecoder() throws(JSONError) -> any Decoder { try member(PlaceKey.super) }

    func superDecoder(forKey key: Key) throws(JSONError) -> any Decoder { try member(key) }

    private func find(_ key: some CodingKey) -> JSONView? {
        index.map { $0[key.stringValue.nameBytes] } ?? object[key.stringValue]
    }

    private func member(_ key: some CodingKey) throws(JSONError) -> ValueDecoder {
        let place = container.place(of: key)
        guard let view = find(key) else {
            throw place.error(.missing, "required, but not there")
        }
        return ValueDecoder(view: view, place: place)
    }
}

/// Reads the elements of an array one after the other.
struct UnkeyedReader: UnkeyedDecodingContainer {
    private let container: CodingPlace.Container
    private let total: Int
    private var rest: JSONView.Elements.Iterator
    private var upcoming: JSONView?
    private(set) var currentIndex = 0

    init(_ view: JSONView, at place: CodingPlace) throws(JSONError) {
        try view.require(.array, at: place)
        container = CodingPlace.Container(place)
        total = view.count
        rest = view.elements.makeIterator()
        upcoming = rest.next()
    }

    var codingPath: [any CodingKey] { container.place.codingPath }
    var count: Int? { total }
    var isAtEnd: Bool { upcoming == nil }

    /// As the protocol demands, moves on only over a null.
    mutating func decodeNil() throws(JSONError) -> Bool {
        guard try element().view.isNull else { return false }
        advance()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws(JSONError) -> Value {
        let value = try element().decode(type)
        advance()
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws(JSONError) -> KeyedDecodingContainer<NestedKey> {
        let nested = try element().container(keyedBy: type)
        advance()
        return nested
    }

    mutating func nestedUnkeyedContainer() throws(JSONError) -> any UnkeyedDecodingContainer {
        let nested = try element().unkeyedContainer()
        advance()
        return nested
    }

    mutating func superDecoder() throws(JSONError) -> any Decoder {
        let element = try element()
        advance()
        return element
    }

    private func element() throws(JSONError) -> ValueDecoder {
        let place = container.place(at: currentIndex)
        guard let upcoming else {
            throw place.error(.missing, "the array has only \(total) elements")
        }
        return ValueDecoder(view: upcoming, place: place)
    }

    private mutating func advance() {
        upcoming = rest.next()
        currentIndex += 1
    }
}
