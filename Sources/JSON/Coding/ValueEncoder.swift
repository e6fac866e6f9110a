/// Takes one value; also its own single-value container.
///
/// A class, because `Encoder` hands itself out and is filled through the copies.
final class ValueEncoder: Encoder, SingleValueEncodingContainer {
    private(set) var value: EncodedValue?
    private let place: CodingPlace

    init(place: CodingPlace) {
        self.place = place
    }

    var codingPath: [any CodingKey] { place.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedFiller<Key>(sharedObject(), at: place))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedFiller(sharedArray(), at: place)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// A type may ask for its container more than once and goes on with what it has.
    private func sharedObject() -> EncodedObject {
        if case .object(let object) = value { return object }
        precondition(value == nil, "a type asked for containers of two kinds")
        let object = EncodedObject()
        value = .object(object)
        return object
    }

    private func sharedArray() -> EncodedArray {
        if case .array(let array) = value { return array }
        precondition(value == nil, "a type asked for containers of two kinds")
        let array = EncodedArray()
        value = .array(array)
        return array
    }

    // MARK: Scalars

    func encodeNil() { value = .null }
    func encode(_ value: Bool) { self.value = .bool(value) }
    func encode(_ value: String) { self.value = .string(value) }
    func encode(_ value: Int) { encode(integer: value) }
    func encode(_ value: Int8) { encode(integer: value) }
    func encode(_ value: Int16) { encode(integer: value) }
    func encode(_ value: Int32) { encode(integer: value) }
    func encode(_ value: Int64) { encode(integer: value) }
    func encode(_ value: UInt) { encode(integer: value) }
    func encode(_ value: UInt8) { encode(integer: value) }
    func encode(_ value: UInt16) { encode(integer: value) }
    func encode(_ value: UInt32) { encode(integer: value) }
    func encode(_ value: UInt64) { encode(integer: value) }

    func encode(_ value: Double) throws(JSONError) {
        self.value = .number(try text(shortestText(value), of: value))
    }

    func encode(_ value: Float) throws(JSONError) {
        // The float's own digits: as a double, 0.1 would become 0.10000000149011612.
        self.value = .number(try text(shortestText(value), of: value))
    }

    func encode<Value: Encodable>(_ value: Value) throws(JSONError) {
        self.value = try EncodedValue(value, at: place)
    }

    private func encode(integer: some FixedWidthInteger) {
        value = .number(String(integer))
    }

    private func text(
        _ text: String?, of value: some FloatingPoint
    ) throws(JSONError) -> String {
        if let text { return text }
        throw place.error(.invalidValue, "JSON has no number for \(value)")
    }
}
