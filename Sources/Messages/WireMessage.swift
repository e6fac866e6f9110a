// Messages: every message of Cadre's protos as a Swift value.
//
// A message is a plain struct: `Sendable`, `Hashable`, owned, valid for ever. Its bytes are
// the protobuf wire format, written and read by protobuf-c; nothing above this room sees a C
// pointer. The structs and their codecs are generated (`make generate`), what is written by
// hand here is what they share:
//
//   WireCheck      walks the bytes by descriptor before protobuf-c does, because protobuf-c
//                  1.4 checks neither nesting nor UTF-8 nor NUL and would crash on the first
//   Arena          the memory of one decode or encode, handed to protobuf-c as its allocator
//   ProtobufMessage  what a generated codec provides: C struct to value and back
//   FieldMap       a proto map
//   Indirect       the box that lets a message hold one of its own kind

/// A message that knows its protobuf wire form.
///
/// Values are independent of the bytes they came from. Any thread may encode or decode.
public protocol WireMessage: Sendable, Hashable {
    /// The message with every field at its default, as proto3 defines it.
    init()

    /// The full proto name, such as `cadre.v1.InvokeRequest`.
    static var protoName: String { get }

    /// Reads a message.
    ///
    /// Fields this version does not know are passed over. A singular field that comes more than
    /// once keeps the last value, as does a key of a map and the case of a oneof.
    ///
    /// - Parameters:
    ///   - bytes: exactly one message; borrowed for the call.
    ///   - limits: nesting and memory, see ``DecodeLimits``.
    /// - Throws: ``WireError``, naming the byte and the field at fault. Nothing was kept.
    static func decoded(from bytes: RawSpan, limits: DecodeLimits) throws(WireError) -> Self

    /// Writes the message behind `prefixBytes` zeroed bytes.
    ///
    /// A gRPC sender asks for 5 and has its length prefix written into the gap, so that the
    /// message is never copied again. A NUL inside a string cannot travel through protobuf-c
    /// and is sent as U+FFFD, so that no text is cut short.
    func encoded(leaving prefixBytes: Int) -> [UInt8]
}

extension WireMessage {
    /// Reads a message with the default limits.
    public static func decoded(from bytes: RawSpan) throws(WireError) -> Self {
        try decoded(from: bytes, limits: .defaults)
    }

    /// The message's bytes alone.
    public func encoded() -> [UInt8] {
        encoded(leaving: 0)
    }
}

/// What one decode may cost, whatever the bytes say.
public struct DecodeLimits: Sendable, Hashable {
    /// Levels of messages inside the outermost one. The official runtimes stop at 100 too.
    public var maxDepth: Int

    /// Bytes of decoding memory granted per byte of message. An honest message needs 2 to 10;
    /// one made of empty submessages would need over 50.
    public var arenaBytesPerMessageByte: Int

    /// Bytes of decoding memory granted to every message on top, so that the ratio only
    /// matters for large ones.
    public var arenaFloorBytes: Int

    /// Combines the limits; a depth of 0 to 1,000, a positive ratio.
    public init(
        maxDepth: Int = 100, arenaBytesPerMessageByte: Int = 16,
        arenaFloorBytes: Int = 256 * 1024
    ) {
        precondition(maxDepth >= 0 && maxDepth <= 1000, "a depth of 0 to 1000 fits every stack")
        precondition(arenaBytesPerMessageByte > 0 && arenaFloorBytes >= 0, "the arena needs room")
        self.maxDepth = maxDepth
        self.arenaBytesPerMessageByte = arenaBytesPerMessageByte
        self.arenaFloorBytes = arenaFloorBytes
    }

    /// 100 levels; 16 bytes of memory per byte of message, and 256 KiB on top.
    public static let defaults = DecodeLimits()

    /// The most memory a message of `count` bytes may take while it is decoded.
    func arenaCap(forMessageBytes count: Int) -> Int {
        let (scaled, overflow) = count.multipliedReportingOverflow(by: arenaBytesPerMessageByte)
        return overflow
            ? .max
            : scaled.addingReportingOverflow(arenaFloorBytes).overflow
                ? .max : scaled + arenaFloorBytes
    }
}
