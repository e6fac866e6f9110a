import CProtobufC

/// Writes a message again in a form protobuf-c accepts, where the proto rules accept what it
/// would refuse: fields with a foreign wire type are left out (they count as unknown), packed
/// bools become 0 or 1.
///
/// Only for bytes that passed ``WireCheck``, which bounds depth and proves every length. The
/// rare case, so it copies freely: at most depth times size.
@unsafe struct WireRewrite {
    let bytes: UnsafeRawBufferPointer

    func message(
        _ range: Range<Int>, _ type: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> [UInt8] {
        var output: [UInt8] = []
        var cursor = unsafe WireCursor(bytes: bytes, range: range)
        var table = unsafe FieldTable(type)
        while unsafe cursor.at < range.upperBound {
            let start = unsafe cursor.at
            guard let item = unsafe try? cursor.next() else { return output }
            let whole = unsafe start..<cursor.at
            guard let field = unsafe table.find(item.number) else {
                unsafe copy(whole, to: &output)
                continue
            }
            unsafe known(field, item, whole, to: &output)
        }
        return output
    }

    private func known(
        _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ item: WireCursor.Item,
        _ whole: Range<Int>, to output: inout [UInt8]
    ) {
        switch unsafe FieldShape(field, item.wireType) {
        case .foreign:
            break
        case .message(let inner):
            unsafe delimited(item.number, message(item.value, inner), to: &output)
        case .packed(.bool):
            unsafe delimited(item.number, bools(item.value), to: &output)
        case .scalar, .bytes, .string, .packed:
            unsafe copy(whole, to: &output)
        }
    }

    private func copy(_ range: Range<Int>, to output: inout [UInt8]) {
        unsafe output.append(contentsOf: bytes[range])
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

    private func delimited(_ number: UInt32, _ value: [UInt8], to output: inout [UInt8]) {
        output.append(varint: number << 3 | UInt32(WireType.lengthDelimited.rawValue))
        output.append(varint: UInt32(value.count))
        output.append(contentsOf: value)
    }

}

extension [UInt8] {
    fileprivate mutating func append(varint value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
