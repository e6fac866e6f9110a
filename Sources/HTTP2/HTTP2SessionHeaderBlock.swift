import CNghttp2

/// A header block made once and sent many times: nghttp2 is told to copy nothing of it.
///
/// Keep it in a `static let`: its memory is never given back, because nghttp2 may hold pointers into
/// it until the frame is sent.
@safe
public struct HTTP2HeaderBlock: @unchecked Sendable {
    // Sendable is true: the memory behind the pointers is written in init only and lives for ever.
    let pairs: UnsafeMutableBufferPointer<nghttp2_nv>

    /// A block of these fields, which all may enter HPACK's tables.
    public init(_ fields: [(name: String, value: String)]) {
        unsafe pairs = .allocate(capacity: fields.count)
        for (index, field) in fields.enumerated() {
            let name = unsafe Self.immortal(field.name)
            let value = unsafe Self.immortal(field.value)
            let flags =
                NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
            unsafe pairs.initializeElement(
                at: index,
                to: nghttp2_nv(
                    name: name.baseAddress, value: value.baseAddress, namelen: name.count,
                    valuelen: value.count, flags: UInt8(flags)))
        }
    }

    /// No fields.
    public static let empty = HTTP2HeaderBlock([])

    private static func immortal(_ text: String) -> UnsafeMutableBufferPointer<UInt8> {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = unsafe bytes.initialize(from: text.utf8)
        return unsafe bytes
    }
}

extension HTTP2Fields {
    /// Appends a field from nghttp2's memory, which is valid during the callback only.
    mutating func append(
        name: UnsafePointer<UInt8>, _ nameBytes: Int, value: UnsafePointer<UInt8>, _ valueBytes: Int
    ) {
        fields.append(
            Field(
                start: bytes.count, nameBytes: nameBytes, valueBytes: valueBytes, isSensitive: false
            ))
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: name, count: nameBytes))
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: value, count: valueBytes))
    }
}

/// Calls `body` with `block` followed by `fields` as nghttp2 wants them.
///
/// The pointers are valid during the call; nghttp2 copies what is not in the block.
func withPairs<Result>(
    _ block: HTTP2HeaderBlock, _ fields: HTTP2Fields,
    _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
) -> Result {
    if fields.isEmpty {
        return unsafe body(UnsafePointer(block.pairs.baseAddress), block.pairs.count)
    }
    return unsafe fields.bytes.withUnsafeBufferPointer { bytes in
        var pairs = unsafe Array(block.pairs)
        for field in fields.fields {
            // nghttp2_nv has mutable pointers for C's sake; nghttp2 only reads them (nghttp2.h).
            let base = unsafe UnsafeMutablePointer(mutating: bytes.baseAddress)
            let flags = field.isSensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
            unsafe pairs.append(
                nghttp2_nv(
                    name: base?.advanced(by: field.name.lowerBound),
                    value: base?.advanced(by: field.value.lowerBound),
                    namelen: field.name.count, valuelen: field.value.count,
                    flags: UInt8(flags.rawValue)))
        }
        return unsafe pairs.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
    }
}
