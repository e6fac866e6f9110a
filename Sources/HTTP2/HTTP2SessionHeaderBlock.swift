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
    /// Appends fields that lie in `bytes`, which begin where the first of them does.
    mutating func append(_ others: UnsafeBufferPointer<Field>, of bytes: UnsafeRawBufferPointer) {
        let start = self.bytes.count
        unsafe self.bytes.append(contentsOf: bytes)
        for index in others.indices { unsafe fields.append(others[index].moved(by: start)) }
    }

    /// True when the fields of `range`, which lie one after the other, are those of `other`.
    public func block(_ range: Range<Int>, equals other: HTTP2Fields) -> Bool {
        unsafe other.fields.withUnsafeBufferPointer { fields in
            unsafe other.bytes.withUnsafeBytes { unsafe block(range, equals: fields, $0) }
        }
    }

    /// The same for fields that lie in `otherBytes`, which begin where the first of them does.
    func block(
        _ range: Range<Int>, equals others: UnsafeBufferPointer<Field>,
        _ otherBytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard !range.isEmpty, range.count == others.count else { return false }
        let start = fields[range.lowerBound].name.lowerBound
        for index in others.indices
        where unsafe !fields[range.lowerBound + index].hasShape(of: others[index]) { return false }
        return unsafe bytes.withUnsafeBytes { own in
            guard own.count - start >= otherBytes.count else { return false }
            guard let left = own.baseAddress, let right = otherBytes.baseAddress else {
                return unsafe otherBytes.isEmpty
            }
            return unsafe Self.areEqual(left + start, right, otherBytes.count)
        }
    }

    /// Compares `count` bytes, eight at a time.
    private static func areEqual(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int
    ) -> Bool {
        var at = 0
        while at &+ 8 <= count {
            let (some, others) = unsafe (
                (left + at).loadUnaligned(as: UInt64.self),
                (right + at).loadUnaligned(as: UInt64.self)
            )
            guard some == others else { return false }
            at &+= 8
        }
        while at < count {
            guard
                unsafe left.load(fromByteOffset: at, as: UInt8.self)
                    == right.load(fromByteOffset: at, as: UInt8.self)
            else { return false }
            at &+= 1
        }
        return true
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
