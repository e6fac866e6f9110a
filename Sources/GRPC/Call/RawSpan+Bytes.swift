// The room's only unsafe code: single bytes of a span and a copy of it.

extension RawSpan {
    /// The byte at `offset`, which is checked.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "offset \(offset) is outside the span")
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}

extension [UInt8] {
    /// Appends a copy of the span's bytes.
    mutating func append(contentsOf span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Calls `body` with the array's bytes.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        unsafe body(span.bytes)
    }

    /// A copy of the span's bytes.
    init(copying span: RawSpan) {
        self = unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
}
