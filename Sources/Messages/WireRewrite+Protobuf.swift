import CProtobufC

/// Writes a message again in a form protobuf-c accepts, where the proto rules accept what it
/// would refuse:
/// - fields with a foreign wire type are left out (they count as unknown),
/// - packed bools become 0 or 1,
/// - a singular message that comes in several parts becomes one. The parts merge, and merging is
///   nothing but putting their bytes one after another.
///
/// Only for bytes that passed ``WireCheck``, which bounds depth and proves every length. Written
/// from the end to the start, so that a length is known when it comes to be written and nothing
/// is copied once per level: time and memory grow with the size alone.
@unsafe struct WireRewrite {
    let bytes: UnsafeRawBufferPointer

    /// Memory a rewrite takes for each field on the wire, at most.
    static var bytesPerField: Int { 160 }

    /// The whole buffer as a message of the given type, in its new form.
    func run(_ type: UnsafePointer<ProtobufCMessageDescriptor>) -> [UInt8] {
        var reversed: [UInt8] = []
        unsafe reversed.reserveCapacity(bytes.count)
        unsafe message([0..<bytes.count], type, to: &reversed)
        reversed.reverse()
        return reversed
    }

    private func message(
        _ parts: [Range<Int>], _ type: UnsafePointer<ProtobufCMessageDescriptor>,
        to reversed: inout [UInt8]
    ) {
        unsafe pieces(parts, type).reversed().forEach { unsafe write($0, to: &reversed) }
    }

    /// A field of the new form.
    @unsafe private struct Piece {
        let field: UnsafePointer<ProtobufCFieldDescriptor>?
        let item: WireCursor.Item
        /// The whole field, tag and all.
        let whole: Range<Int>
        /// The later parts of a singular message.
        var more: [Range<Int>] = []
    }

    /// The fields that stay, parts of one message put together. Of a oneof only the last case
    /// stays, and its parts merge only while no other case comes between them.
    private func pieces(
        _ ranges: [Range<Int>], _ type: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> [Piece] {
        var pieces: [Piece] = unsafe []
        var places: [UInt32: Int] = [:]
        var table = unsafe FieldTable(type)
        for range in ranges {
            var cursor = unsafe WireCursor(bytes: bytes, range: range)
            while unsafe cursor.at < range.upperBound {
                let start = unsafe cursor.at
                // The same bytes were read once already, so there is nothing left to fail.
                guard let item = unsafe try? cursor.next() else { return unsafe pieces }
                let field = unsafe table.find(item.number)
                let piece = unsafe Piece(
                    field: field, item: item, whole: start..<cursor.at)
                unsafe add(piece, to: &pieces, &places)
            }
        }
        return unsafe pieces
    }

    private func add(
        _ piece: Piece, to pieces: inout [Piece], _ places: inout [UInt32: Int]
    ) {
        guard let field = unsafe piece.field else { return unsafe pieces.append(piece) }
        switch unsafe FieldShape(field, piece.item.wireType) {
        case .foreign: return
        case .message where unsafe field.pointee.label != PROTOBUF_C_LABEL_REPEATED: break
        default: return unsafe addOther(piece, field, to: &pieces, &places)
        }
        let slot = unsafe Self.slot(field)
        if let place = places[slot], unsafe pieces[place].item.number == piece.item.number {
            unsafe pieces[place].more.append(piece.item.value)
        } else {
            places[slot] = unsafe pieces.count
            unsafe pieces.append(piece)
        }
    }

    /// Anything but a singular message; as a case of a oneof it ends what came before.
    private func addOther(
        _ piece: Piece, _ field: UnsafePointer<ProtobufCFieldDescriptor>,
        to pieces: inout [Piece], _ places: inout [UInt32: Int]
    ) {
        if unsafe Self.isChoice(field) {
            places[unsafe Self.slot(field)] = nil
        }
        unsafe pieces.append(piece)
    }

    private static func isChoice(_ field: UnsafePointer<ProtobufCFieldDescriptor>) -> Bool {
        unsafe field.pointee.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
    }

    /// What the fields of one oneof share and no two other fields do. Places of C members lie
    /// apart from each other, so a oneof's case and a message's pointer never look alike.
    private static func slot(_ field: UnsafePointer<ProtobufCFieldDescriptor>) -> UInt32 {
        unsafe isChoice(field) ? field.pointee.quantifier_offset : field.pointee.offset
    }

    // MARK: - Writing

    private func write(_ piece: Piece, to reversed: inout [UInt8]) {
        guard let field = unsafe piece.field else {
            return unsafe copy(piece.whole, to: &reversed)
        }
        let end = reversed.count
        switch unsafe FieldShape(field, piece.item.wireType) {
        case .message(let inner):
            unsafe message([piece.item.value] + piece.more, inner, to: &reversed)
        case .packed(.bool):
            unsafe reversed.append(contentsOf: bools(piece.item.value).reversed())
        case .scalar, .bytes, .string, .packed, .foreign:
            return unsafe copy(piece.whole, to: &reversed)
        }
        unsafe reversed.appendReversedHead(piece.item.number, valueCount: reversed.count - end)
    }

    private func copy(_ range: Range<Int>, to reversed: inout [UInt8]) {
        unsafe reversed.append(contentsOf: bytes[range].reversed())
    }

    /// Any varint but zero is true.
    private func bools(_ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        var isTrue = false
        for index in range {
            isTrue = unsafe isTrue || bytes[index] & 0x7F != 0
            if unsafe bytes[index] < 0x80 {
                output.append(isTrue ? 1 : 0)
                isTrue = false
            }
        }
        return output
    }
}

extension [UInt8] {
    /// The tag and length of a length-delimited field, last byte first.
    fileprivate mutating func appendReversedHead(_ number: UInt32, valueCount: Int) {
        let tag = number << 3 | UInt32(WireType.lengthDelimited.rawValue)
        append(contentsOf: (Self.varint(tag) + Self.varint(UInt32(valueCount))).reversed())
    }

    private static func varint(_ value: UInt32) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
