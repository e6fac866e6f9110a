import CProtobufC

/// The C struct of one message type: its size and its field table.
@safe public struct WireLayout: @unchecked Sendable {
    // Sendable because the descriptor is a constant of the C code, never written and never freed.
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>

    /// Bytes of the C struct.
    @inlinable public var byteCount: Int { _byteCount }
    @usableFromInline let _byteCount: Int

    /// From the struct's generated `…__init` function, which leaves its descriptor behind.
    @unsafe public init<Struct>(_ initialize: (UnsafeMutablePointer<Struct>?) -> Void) {
        unsafe descriptor = withUnsafeTemporaryAllocation(of: Struct.self, capacity: 1) { room in
            unsafe initialize(room.baseAddress)
            return unsafe UnsafeRawPointer(room.baseAddress!)
                .assumingMemoryBound(to: ProtobufCMessage.self).pointee.descriptor
        }
        unsafe _byteCount = descriptor.pointee.sizeof_message
    }
}

/// What a generated codec provides; the rest of ``WireMessage`` follows from it.
public protocol ProtobufMessage: WireMessage {
    /// The C struct behind this message.
    static var layout: WireLayout { get }

    /// Copies a C struct, and all it points to, into a value.
    @unsafe init(reading source: UnsafeRawPointer)

    /// Fills a C struct of ``layout``; strings, arrays and inner structs go into the arena.
    @unsafe func write(to target: UnsafeMutableRawPointer, in arena: Arena)
}

extension WireMessage {
    /// Reads a message from an array.
    public static func decoded(
        from bytes: [UInt8], limits: DecodeLimits = .defaults
    ) throws(WireError) -> Self {
        // Bytes have no padding, which is what `Span.bytes` could expose.
        try decoded(from: unsafe bytes.span.bytes, limits: limits)
    }
}

extension ProtobufMessage {
    /// See ``WireMessage``.
    public static func decoded(
        from bytes: RawSpan, limits: DecodeLimits
    ) throws(WireError) -> Self {
        let cap = limits.arenaCap(forMessageBytes: bytes.byteCount)
        let outcome: Result<Self, WireError> = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Arena.with(cap: cap) { arena in
                unsafe unpack(buffer, layout, limits, arena).map { unsafe Self(reading: $0) }
            }
        }
        switch consume outcome {
        case .success(let message): return message
        case .failure(let error): throw error
        }
    }

    /// See ``WireMessage``.
    public func encoded(leaving prefixBytes: Int) -> [UInt8] {
        unsafe Arena.with(cap: .max) { arena in
            let message = unsafe arena.allocate(Self.layout.byteCount)
            unsafe write(to: message, in: arena)
            return unsafe pack(message, leaving: prefixBytes, in: arena)
        }
    }
}

/// Checks the bytes, then lets protobuf-c build its tree in the arena.
private func unpack(
    _ bytes: UnsafeRawBufferPointer, _ layout: WireLayout, _ limits: DecodeLimits, _ arena: Arena
) -> Result<UnsafeRawPointer, WireError> {
    var check = unsafe WireCheck(bytes: bytes, maxDepth: limits.maxDepth)
    do throws(WireError) {
        unsafe try check.run(layout.descriptor)
    } catch {
        return unsafe .failure(error)
    }
    guard unsafe check.needsRewrite else {
        return unsafe unpackChecked(bytes, layout, arena)
    }
    let cost = unsafe check.fieldCount * WireRewrite.bytesPerField
    guard cost <= limits.arenaCap(forMessageBytes: bytes.count) else {
        return unsafe .failure(refusal(.memoryCapReached, layout))
    }
    let rewritten = unsafe WireRewrite(bytes: bytes).run(layout.descriptor)
    return unsafe rewritten.withUnsafeBytes { unsafe unpackChecked($0, layout, arena) }
}

private func unpackChecked(
    _ bytes: UnsafeRawBufferPointer, _ layout: WireLayout, _ arena: Arena
) -> Result<UnsafeRawPointer, WireError> {
    let data = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    if let message = unsafe protobuf_c_message_unpack(
        layout.descriptor, arena.allocator, bytes.count, data)
    {
        return unsafe .success(UnsafeRawPointer(message))
    }
    return unsafe .failure(
        refusal(arena.capReached ? .memoryCapReached : .refusedByCodec, layout))
}

/// An error no single byte is to blame for.
private func refusal(_ reason: WireError.Reason, _ layout: WireLayout) -> WireError {
    WireError(reason, offset: 0, field: unsafe String(cString: layout.descriptor.pointee.name))
}

/// Messages up to this size are packed in the arena and copied: that costs less than the way to an
/// array of bytes not written yet, which the library does not specialise.
private let smallMessageBytes = 512

/// Packs a filled C struct behind a gap.
private func pack(
    _ message: UnsafeMutableRawPointer, leaving prefixBytes: Int, in arena: Arena
) -> [UInt8] {
    let base = unsafe message.assumingMemoryBound(to: ProtobufCMessage.self)
    let count = unsafe prefixBytes + protobuf_c_message_get_packed_size(base)
    if count <= smallMessageBytes {
        let room = unsafe UnsafeMutableBufferPointer(
            start: arena.allocate(UInt8.self, count: count), count: count)
        unsafe pack(base, into: room, leaving: prefixBytes)
        return unsafe [UInt8](UnsafeBufferPointer(room))
    }
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { room, written in
        unsafe pack(base, into: room, leaving: prefixBytes)
        written = count
    }
}

private func pack(
    _ message: UnsafePointer<ProtobufCMessage>, into room: UnsafeMutableBufferPointer<UInt8>,
    leaving prefixBytes: Int
) {
    guard let start = room.baseAddress else { return }
    unsafe start.initialize(repeating: 0, count: prefixBytes)
    let packed = unsafe protobuf_c_message_pack(message, start + prefixBytes)
    precondition(
        prefixBytes + packed == room.count, "protobuf-c measures a message as it packs it")
}
