import CProtobufC

/// A pass over the bytes of a message, by descriptor, before protobuf-c sees them.
///
/// protobuf-c 1.4 recurses as deep as the bytes say (20,000 levels in 75 KB overflow an 8 MiB
/// stack), accepts any bytes as a string and cuts strings at NUL. So everything is checked
/// here: tags, lengths, varints, nesting, UTF-8. What protobuf-c would refuse although the
/// proto rules accept it is only noted, for ``WireRewrite`` to put right.
/// (protobuf.dev/programming-guides/encoding)
@unsafe struct WireCheck {
    let bytes: UnsafeRawBufferPointer
    let maxDepth: Int

    /// A known field came with a wire type that is not its own, which makes it an unknown field;
    /// or a packed bool is neither 0 nor 1; or a singular message comes in several parts.
    /// protobuf-c refuses the whole message, or merges the parts by rules of its own.
    private(set) var needsRewrite = false

    /// Fields on the wire, those of inner messages and unknown ones too.
    private(set) var fieldCount = 0

    init(bytes: UnsafeRawBufferPointer, maxDepth: Int) {
        unsafe self.bytes = unsafe bytes
        unsafe self.maxDepth = maxDepth
    }

    /// Checks the whole buffer as a message of the given type.
    mutating func run(_ type: UnsafePointer<ProtobufCMessageDescriptor>) throws(WireError) {
        unsafe try message(0..<bytes.count, type, depth: 0)
    }

    private mutating func message(
        _ range: Range<Int>, _ type: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
    ) throws(WireError) {
        guard unsafe depth <= maxDepth else {
            throw unsafe fault(.nestingTooDeep, range.lowerBound, type, nil)
        }
        var cursor = unsafe WireCursor(bytes: bytes, range: range)
        var table = unsafe FieldTable(type)
        while unsafe cursor.at < range.upperBound {
            let start = unsafe cursor.at
            let item: WireCursor.Item
            unsafe fieldCount += 1
            do throws(WireError.Reason) {
                item = unsafe try cursor.next()
            } catch {
                throw unsafe fault(error, start, type, table.find(cursor.number))
            }
            if let field = unsafe table.find(item.number) {
                unsafe try known(field, item, type, depth)
                unsafe needsRewrite = needsRewrite || table.isSecondPart(field)
            }
        }
    }

    /// Checks the value of a field the type declares.
    private mutating func known(
        _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ item: WireCursor.Item,
        _ type: UnsafePointer<ProtobufCMessageDescriptor>, _ depth: Int
    ) throws(WireError) {
        switch unsafe FieldShape(field, item.wireType) {
        case .scalar, .bytes:
            break
        case .string:
            if let (reason, index) = unsafe UTF8Scan.fault(in: bytes, item.value) {
                throw unsafe fault(reason, index, type, field)
            }
        case .message(let inner):
            unsafe try message(item.value, inner, depth: depth + 1)
        case .packed(let element):
            guard unsafe element.divides(item.value, of: bytes) else {
                throw unsafe fault(.malformedPacked, item.value.lowerBound, type, field)
            }
            if unsafe element == .bool && element.isOutOfRange(item.value, of: bytes) {
                unsafe needsRewrite = true
            }
        case .foreign:
            unsafe needsRewrite = true
        }
    }

    private func fault(
        _ reason: WireError.Reason, _ offset: Int,
        _ type: UnsafePointer<ProtobufCMessageDescriptor>,
        _ field: UnsafePointer<ProtobufCFieldDescriptor>?
    ) -> WireError {
        var name = unsafe String(cString: type.pointee.name)
        if let field = unsafe field {
            unsafe name += "." + String(cString: field.pointee.name)
        }
        return WireError(reason, offset: offset, field: name)
    }
}

/// How the value of a known field must be read, given the wire type it came with.
@unsafe enum FieldShape {
    case scalar
    case bytes
    case string
    case message(UnsafePointer<ProtobufCMessageDescriptor>)
    /// A repeated number in packed form, which any repeated number may use.
    case packed(PackedElement)
    /// The wire type is not the field's: to the proto rules an unknown field.
    case foreign

    init(_ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: WireType) {
        let type = unsafe field.pointee.type
        switch (WireType(of: type), wireType) {
        case (.lengthDelimited, .lengthDelimited):
            unsafe self = Self.delimited(field)
        case (let own, let came) where own == came:
            unsafe self = .scalar
        case (_, .lengthDelimited)
        where unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED:
            unsafe self = .packed(PackedElement(of: type))
        default:
            unsafe self = .foreign
        }
    }

    private static func delimited(_ field: UnsafePointer<ProtobufCFieldDescriptor>) -> FieldShape {
        switch unsafe field.pointee.type {
        case PROTOBUF_C_TYPE_STRING: unsafe .string
        case PROTOBUF_C_TYPE_MESSAGE:
            unsafe .message(
                field.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self))
        default: unsafe .bytes
        }
    }
}

/// What a packed field is a row of.
enum PackedElement {
    case varint
    case bool
    case fixed32
    case fixed64

    init(of type: ProtobufCType) {
        switch WireType(of: type) {
        case .fixed32: self = .fixed32
        case .fixed64: self = .fixed64
        default: self = type == PROTOBUF_C_TYPE_BOOL ? .bool : .varint
        }
    }

    /// Whether the bytes are a whole number of elements.
    func divides(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .fixed32: range.count % 4 == 0
        case .fixed64: range.count % 8 == 0
        case .varint, .bool: unsafe Self.areVarints(range, of: bytes)
        }
    }

    /// Whether a packed bool is written in a form protobuf-c refuses.
    func isOutOfRange(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Bool {
        range.contains { unsafe bytes[$0] > 1 }
    }

    private static func areVarints(
        _ range: Range<Int>, of bytes: UnsafeRawBufferPointer
    ) -> Bool {
        var length = 0
        for index in range {
            length += 1
            if unsafe bytes[index] < 0x80 {
                length = 0
            } else if length == WireType.maxVarintBytes {
                return false
            }
        }
        return length == 0
    }
}

/// Finds the fields of a type by number.
@unsafe struct FieldTable {
    private let fields: UnsafeBufferPointer<ProtobufCFieldDescriptor>
    /// Where the next field is looked for first: writers write in the order of the numbers.
    private var guess = 0
    /// Singular messages seen, by index modulo 64: a false alarm costs a rewrite, no more.
    private var seen: UInt64 = 0

    init(_ type: UnsafePointer<ProtobufCMessageDescriptor>) {
        unsafe fields = UnsafeBufferPointer(
            start: type.pointee.fields, count: Int(type.pointee.n_fields))
    }

    mutating func find(_ number: UInt32) -> UnsafePointer<ProtobufCFieldDescriptor>? {
        for index in unsafe guess..<min(guess + 2, fields.count)
        where unsafe fields[index].id == number {
            unsafe guess = index
            return unsafe fields.baseAddress! + index
        }
        return unsafe search(number)
    }

    /// Whether the field found last is a singular message that was there before.
    mutating func isSecondPart(_ field: UnsafePointer<ProtobufCFieldDescriptor>) -> Bool {
        guard unsafe field.pointee.type == PROTOBUF_C_TYPE_MESSAGE,
            unsafe field.pointee.label != PROTOBUF_C_LABEL_REPEATED
        else { return false }
        let bit = unsafe UInt64(1) << UInt64(guess % 64)
        defer { unsafe seen |= bit }
        return unsafe seen & bit != 0
    }

    /// Binary search; protobuf-c keeps the fields sorted by number.
    private mutating func search(_ number: UInt32) -> UnsafePointer<ProtobufCFieldDescriptor>? {
        var low = 0
        var high = unsafe fields.count
        while low < high {
            let middle = (low + high) / 2
            let id = unsafe fields[middle].id
            if id == number {
                unsafe guess = middle
                return unsafe fields.baseAddress! + middle
            }
            if id < number { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
