import CProtobufC

/// Writes the fields of protobuf-c structs. Used by generated codecs only.
///
/// Everything is copied into the arena, so a struct needs nothing but the arena to stay valid
/// until it is packed. Empty arrays are nil pointers, as protobuf-c has them.
extension Arena {
    /// A NUL-terminated copy. Strings of protobuf-c end at the first NUL, so one inside becomes
    /// U+FFFD instead of silently cutting the text.
    public func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let copy = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe stringWithoutNUL($0)
        }
        if case let copy?? = unsafe copy { return unsafe copy }
        let parts = text.split(separator: "\0", omittingEmptySubsequences: false)
        return unsafe string(parts.joined(separator: "\u{FFFD}"))
    }

    private func stringWithoutNUL(
        _ utf8: UnsafeBufferPointer<UInt8>
    ) -> UnsafeMutablePointer<CChar>? {
        let copy = unsafe allocate(UInt8.self, count: utf8.count + 1)
        var lowest = UInt8.max
        for index in utf8.indices {
            let byte = unsafe utf8[index]
            lowest = min(lowest, byte)
            unsafe copy[index] = byte
        }
        unsafe copy[utf8.count] = 0
        guard lowest > 0 else { return nil }
        return unsafe UnsafeMutableRawPointer(copy).assumingMemoryBound(to: CChar.self)
    }

    /// A copy with its length.
    public func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        unsafe ProtobufCBinaryData(len: bytes.count, data: scalars(bytes))
    }

    /// The struct of a message; nil for none.
    public func message<Message: ProtobufMessage, Struct>(
        _ message: Message?, as type: Struct.Type = Struct.self
    ) -> UnsafeMutablePointer<Struct>? {
        guard let message else { return nil }
        let target = unsafe allocate(Message.layout.byteCount)
        unsafe message.write(to: target, in: self)
        return unsafe target.assumingMemoryBound(to: Struct.self)
    }

    /// A copy of an array of numbers.
    public func scalars<Scalar: BitwiseCopyable>(
        _ values: [Scalar]
    ) -> UnsafeMutablePointer<Scalar>? {
        guard !values.isEmpty else { return nil }
        let copy = unsafe allocate(Scalar.self, count: values.count)
        unsafe values.withUnsafeBufferPointer {
            unsafe copy.update(from: $0.baseAddress!, count: values.count)
        }
        return unsafe copy
    }

    /// protobuf-c makes every bool as wide as an `int`.
    public func bools(_ values: [Bool]) -> UnsafeMutablePointer<Int32>? {
        unsafe scalars(values.map { $0 ? 1 : 0 })
    }

    /// protoc-gen-c makes every enum as wide as an `int`.
    public func enums<Value: WireEnum, Raw>(
        _ values: [Value], as type: Raw.Type = Raw.self
    ) -> UnsafeMutablePointer<Raw>? {
        guard let numbers = unsafe scalars(values.map(\.rawValue)) else { return nil }
        return unsafe UnsafeMutableRawPointer(numbers).assumingMemoryBound(to: Raw.self)
    }

    /// As ``string(_:)``, for each.
    public func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        unsafe pointers(texts) { unsafe string($0) }
    }

    /// As ``bytes(_:)``, for each.
    public func byteStrings(_ list: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
        guard !list.isEmpty else { return nil }
        let copy = unsafe allocate(ProtobufCBinaryData.self, count: list.count)
        for (index, item) in list.enumerated() {
            unsafe copy[index] = bytes(item)
        }
        return unsafe copy
    }

    /// As ``message(_:as:)``, for each.
    public func messages<Message: ProtobufMessage, Struct>(
        _ messages: [Message], as type: Struct.Type = Struct.self
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>? {
        unsafe pointers(messages) { unsafe message($0) }
    }

    /// The structs of a map's pairs, each made by `fill`.
    public func map<Key, Value, Struct>(
        _ map: FieldMap<Key, Value>,
        _ fill: (UnsafeMutablePointer<Struct>, Key, Value) -> Void
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>? {
        unsafe pointers(map.entries) { entry in
            let target = unsafe allocate(Struct.self, count: 1)
            unsafe fill(target, entry.key, entry.value)
            return unsafe target
        }
    }

    private func pointers<Value, Struct>(
        _ values: [Value], _ make: (Value) -> UnsafeMutablePointer<Struct>?
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Struct>?>? {
        guard !values.isEmpty else { return nil }
        let list = unsafe allocate(UnsafeMutablePointer<Struct>?.self, count: values.count)
        for (index, value) in values.enumerated() {
            unsafe list[index] = make(value)
        }
        return unsafe list
    }
}
