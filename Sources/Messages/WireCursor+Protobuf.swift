import CProtobufC

/// The wire types of proto3; 3 and 4 were the groups of proto2.
/// (protobuf.dev/programming-guides/encoding#structure)
enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5

    /// Ten bytes carry 64 bits.
    static var maxVarintBytes: Int { 10 }
    /// Five bytes carry 32 bits, which is all a tag or a length may have.
    static var maxShortVarintBytes: Int { 5 }

    /// The wire type in a tag.
    init(tag: UInt32) throws(WireError.Reason) {
        guard let type = WireType(rawValue: UInt8(tag & 7)) else {
            throw tag & 7 <= 4 ? .group : .malformedTag
        }
        self = type
    }

    /// The wire type a field of this type is written with, one value at a time.
    init(of type: ProtobufCType) {
        switch type {
        case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE:
            self = .lengthDelimited
        case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT:
            self = .fixed32
        case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE:
            self = .fixed64
        default:
            self = .varint
        }
    }
}

/// Reads the fields of one message one after another, without descriptor.
@unsafe struct WireCursor {
    /// One field as it stands on the wire.
    struct Item {
        let number: UInt32
        let wireType: WireType
        /// The bytes of the value; of a length-delimited one without the length.
        let value: Range<Int>
    }

    let bytes: UnsafeRawBufferPointer
    let end: Int
    private(set) var at: Int
    /// The number of the field read last, also when its value was faulty.
    private(set) var number: UInt32 = 0

    init(bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        unsafe self.bytes = unsafe bytes
        unsafe at = range.lowerBound
        unsafe end = range.upperBound
    }

    /// The next field. Not to be called at the end.
    mutating func next() throws(WireError.Reason) -> Item {
        unsafe number = 0
        let tag = unsafe try shortVarint()
        unsafe number = tag >> 3
        guard unsafe number != 0 else { throw .malformedTag }
        let wireType = try WireType(tag: tag)
        let count = unsafe try byteCount(wireType)
        guard unsafe count <= end - at else { throw .truncated }
        let value = unsafe at..<(at + count)
        unsafe at += count
        return unsafe Item(number: number, wireType: wireType, value: value)
    }

    private mutating func byteCount(_ wireType: WireType) throws(WireError.Reason) -> Int {
        switch wireType {
        case .varint: unsafe try varintByteCount()
        case .fixed64: 8
        case .fixed32: 4
        case .lengthDelimited: Int(unsafe try shortVarint())
        }
    }

    private func varintByteCount() throws(WireError.Reason) -> Int {
        for index in unsafe at..<min(at + WireType.maxVarintBytes, end)
        where unsafe bytes[index] < 0x80 {
            return unsafe index - at + 1
        }
        throw unsafe end - at < WireType.maxVarintBytes ? .truncated : .malformedVarint
    }

    /// A tag or a length.
    private mutating func shortVarint() throws(WireError.Reason) -> UInt32 {
        // Nearly all tags and most lengths have one byte.
        if unsafe at < end && bytes[at] < 0x80 {
            unsafe at += 1
            return UInt32(unsafe bytes[at - 1])
        }
        return unsafe try longVarint()
    }

    private mutating func longVarint() throws(WireError.Reason) -> UInt32 {
        var value: UInt64 = 0
        for index in 0..<WireType.maxShortVarintBytes {
            guard unsafe at < end else { throw .truncated }
            let byte = unsafe bytes[at]
            unsafe at += 1
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte < 0x80 {
                guard let short = UInt32(exactly: value) else { throw .malformedVarint }
                return short
            }
        }
        throw .malformedVarint
    }
}
