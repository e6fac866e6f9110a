/// The prefix of a message on the wire: a compressed flag and a length of 4 bytes, big endian
/// (gRPC over HTTP/2, "Length-Prefixed-Message").
enum MessagePrefix {
    /// Bytes of the prefix.
    static let bytes = 5

    /// Writes the prefix into the first five bytes of `framed`; the rest is the message.
    static func write(into framed: inout [UInt8]) {
        precondition(framed.count >= bytes, "a framed message begins with 5 spare bytes")
        let length = framed.count - bytes
        precondition(length <= Int(UInt32.max), "a message has at most 4 GiB")
        framed[0] = 0
        framed[1] = UInt8(truncatingIfNeeded: length >> 24)
        framed[2] = UInt8(truncatingIfNeeded: length >> 16)
        framed[3] = UInt8(truncatingIfNeeded: length >> 8)
        framed[4] = UInt8(truncatingIfNeeded: length)
    }
}

/// Takes messages out of body bytes. Where the body was cut into pieces means nothing.
///
/// A message that lies whole in one piece is named by its range there and not copied; any other is
/// collected. Memory grows with the bytes that came, never with the length a prefix claims.
struct MessageReader {
    /// What the next bytes of the piece were.
    enum Next: Equatable {
        /// A message: these bytes of the piece.
        case message(Range<Int>)
        /// A message that came in several pieces.
        case collected([UInt8])
        /// The piece is used up.
        case needsMore
        /// The peer broke the framing or a limit; nothing more may be read.
        case failed(GRPCStatus)
    }

    private let maxMessageBytes: Int
    private var prefix: UInt64 = 0
    private var prefixBytes = 0
    private var bodyBytes = 0
    private var collected: [UInt8] = []

    /// A reader that refuses messages above `maxMessageBytes`.
    init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    /// Bytes kept of a message that has not come whole.
    var collectedBytes: Int { collected.count }

    /// False in the middle of a prefix or a message: the body must not end here.
    var isBetweenMessages: Bool { prefixBytes == 0 }

    /// Where the message lies when `piece` is one whole acceptable message and nothing came before;
    /// nil for anything else, which `next` then judges.
    @inline(__always)
    func onlyMessage(of piece: RawSpan) -> Range<Int>? {
        let end = piece.byteCount
        guard isBetweenMessages, end >= MessagePrefix.bytes, piece.byte(at: 0) == 0,
            end - MessagePrefix.bytes <= maxMessageBytes
        else { return nil }
        var length = 0
        for offset in 1..<MessagePrefix.bytes { length = length << 8 | Int(piece.byte(at: offset)) }
        return length == end - MessagePrefix.bytes ? MessagePrefix.bytes..<end : nil
    }

    /// Reads on from `offset`, which is moved past what was used.
    mutating func next(in piece: RawSpan, at offset: inout Int) -> Next {
        if let failure = readPrefix(piece, &offset) { return .failed(failure) }
        guard prefixBytes == MessagePrefix.bytes else { return .needsMore }
        let missing = bodyBytes - collected.count
        let available = piece.byteCount - offset
        if collected.isEmpty && available >= missing {
            prefixBytes = 0
            offset += missing
            return .message((offset - missing)..<offset)
        }
        let taken = min(missing, available)
        collected.append(contentsOf: piece.extracting(offset..<(offset + taken)))
        offset += taken
        guard taken == missing else { return .needsMore }
        prefixBytes = 0
        let message = collected
        collected = []
        return .collected(message)
    }

    /// Reads what is missing of the prefix; a status when the finished prefix is not acceptable.
    private mutating func readPrefix(_ piece: RawSpan, _ offset: inout Int) -> GRPCStatus? {
        guard prefixBytes < MessagePrefix.bytes else { return nil }
        if prefixBytes == 0 { prefix = 0 }
        while prefixBytes < MessagePrefix.bytes {
            guard offset < piece.byteCount else { return nil }
            prefix = prefix << 8 | UInt64(piece.byte(at: offset))
            prefixBytes += 1
            offset += 1
        }
        let flag = prefix >> 32
        bodyBytes = Int(prefix & 0xFFFF_FFFF)
        if flag == 1 {
            return GRPCStatus(.internalError, "message marked compressed, but no grpc-encoding set")
        }
        if flag > 1 { return GRPCStatus(.internalError, "message flag \(flag) is not 0 or 1") }
        if bodyBytes > maxMessageBytes {
            return GRPCStatus(
                .resourceExhausted,
                "message of \(bodyBytes) bytes is over the limit of \(maxMessageBytes)")
        }
        return nil
    }
}
