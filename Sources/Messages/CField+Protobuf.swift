import CProtobufC

/// Reads the fields of protobuf-c structs. Used by generated codecs only.
///
/// All functions copy: nothing returned points into the struct. Strings were found valid by
/// ``WireCheck`` or are empty constants of protobuf-c.
public enum CField {
    /// The text up to the first NUL; empty for nil.
    @unsafe @inlinable
    public static func string(_ text: UnsafeMutablePointer<CChar>?) -> String {
        guard let text = unsafe text, unsafe text.pointee != 0 else { return "" }
        return unsafe String(cString: text)
    }

    /// The bytes; nil and empty are the same.
    @unsafe @inlinable
    public static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
        unsafe [UInt8](UnsafeBufferPointer(start: data.data, count: data.len))
    }

    /// The message; `nil` when the field is not set.
    @unsafe @inlinable
    public static func message<Message: ProtobufMessage, Struct>(
        _ source: UnsafeMutablePointer<Struct>?
    ) -> Message? {
        guard let source = unsafe source else { return nil }
        return unsafe Message(reading: UnsafeRawPointer(source))
    }

    /// A repeated field of numbers.
    @unsafe @inlinable
    public static func scalars<Scalar: BitwiseCopyable>(
        _ count: Int, _ values: UnsafeMutablePointer<Scalar>?
    ) -> [Scalar] {
        unsafe [Scalar](UnsafeBufferPointer(start: values, count: count))
    }

    /// protobuf-c makes every bool as wide as an `int`.
    @unsafe @inlinable
    public static func bools(_ count: Int, _ values: UnsafeMutablePointer<Int32>?) -> [Bool] {
        unsafe UnsafeBufferPointer(start: values, count: count).map { $0 != 0 }
    }

    /// protoc-gen-c makes every enum as wide as an `int`.
    @unsafe @inlinable
    public static func enums<Value: WireEnum, Raw>(
        _ count: Int, _ values: UnsafeMutablePointer<Raw>?
    ) -> [Value] {
        guard let values = unsafe values else { return [] }
        let numbers = unsafe UnsafeRawPointer(values).assumingMemoryBound(to: Int32.self)
        return unsafe UnsafeBufferPointer(start: numbers, count: count).map(Value.init(rawValue:))
    }

    /// A repeated field of texts.
    @unsafe @inlinable
    public static func strings(
        _ count: Int, _ texts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> [String] {
        unsafe UnsafeBufferPointer(start: texts, count: count).map { unsafe string($0) }
    }

    /// A repeated field of bytes.
    @unsafe @inlinable
    public static func byteStrings(
        _ count: Int, _ data: UnsafeMutablePointer<ProtobufCBinaryData>?
    ) -> [[UInt8]] {
        unsafe UnsafeBufferPointer(start: data, count: count).map { unsafe bytes($0) }
    }

    /// A repeated field of messages.
    @unsafe @inlinable
    public static func messages<Message: ProtobufMessage, Struct>(
        _ count: Int, _ sources: UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>?
    ) -> [Message] {
        unsafe UnsafeBufferPointer(start: sources, count: count).map {
            unsafe message($0) ?? Message()
        }
    }

    /// A map field; of pairs with one key the last one wins.
    @unsafe @inlinable
    public static func map<Key, Value, Struct>(
        _ count: Int, _ sources: UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>?,
        _ entry: (UnsafeMutablePointer<Struct>) -> (Key, Value)
    ) -> FieldMap<Key, Value> {
        guard count > 0 else { return FieldMap() }
        let pairs = unsafe UnsafeBufferPointer(start: sources, count: count).compactMap { source in
            unsafe source.map { pointer in
                let (key, value) = unsafe entry(pointer)
                return FieldMap.Entry(key: key, value: value)
            }
        }
        return FieldMap(lastWins: pairs)
    }
}
