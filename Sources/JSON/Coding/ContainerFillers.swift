/// Fills the members of an object.
struct KeyedFiller<Key: CodingKey>: KeyedEncodingContainerProtocol {
    private let object: EncodedObject
    private let container: CodingPlace.Container

    init(_ object: EncodedObject, at place: CodingPlace) {
        self.object = object
        container = CodingPlace.Container(place)
    }

    var codingPath: [any CodingKey] { container.place.codingPath }

    func encodeNil(forKey key: Key) { object[key.stringValue] = .null }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws(JSONError) {
        object[key.stringValue] = try EncodedValue(value, at: container.place(of: key))
    }

    // The commonest scalars go straight in; without these they would each pass through an encoder
    // of their own.
    func encode(_ value: Bool, forKey key: Key) { object[key.stringValue] = .bool(value) }
    func encode(_ value: String, forKey key: Key) { object[key.stringValue] = .string(value) }
    func encode(_ value: Int, forKey key: Key) { object[key.stringValue] = .number(String(value)) }
    func encode(_ value: Int64, forKey key: Key) {
        object[key.stringValue] = .number(String(value))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        nestedEncoder(key).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nestedEncoder(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nestedEncoder(PlaceKey.super) }

    func superEncoder(forKey key: Key) -> any Encoder { nestedEncoder(key) }

    /// The encoder of a member; one that was already handed out is handed out again.
    private func nestedEncoder(_ key: some CodingKey) -> ValueEncoder {
        if case .later(let encoder) = object[key.stringValue] { return encoder }
        let encoder = ValueEncoder(place: container.place(of: key))
        object[key.stringValue] = .later(encoder)
        return encoder
    }
}

/// Fills the elements of an array in order.
struct UnkeyedFiller: UnkeyedEncodingContainer {
    private let array: EncodedArray
    private let container: CodingPlace.Container

    init(_ array: EncodedArray, at place: CodingPlace) {
        self.array = array
        container = CodingPlace.Container(place)
    }

    var codingPath: [any CodingKey] { container.place.codingPath }
    var count: Int { array.elements.count }

    func encodeNil() { array.elements.append(.null) }

    func encode<Value: Encodable>(_ value: Value) throws(JSONError) {
        array.elements.append(try EncodedValue(value, at: container.place(at: count)))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        nestedEncoder().container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        nestedEncoder().unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nestedEncoder() }

    private func nestedEncoder() -> ValueEncoder {
        let encoder = ValueEncoder(place: container.place(at: count))
        array.elements.append(.later(encoder))
        return encoder
    }
}
