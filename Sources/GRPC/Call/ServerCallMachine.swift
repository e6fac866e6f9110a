/// The receiving half of one call on the server: body bytes in, messages and verdicts out.
///
/// `open` becomes `halfClosed` when the client has ended its side in order, or `ended` when the
/// call is over for any reason; `halfClosed` becomes `ended`. After a rejection the owner must call
/// `ended`. For methods with one request the message is given out only once the client has
/// half-closed, so that the handler never runs for a request that is still wrong.
struct ServerCallMachine {
    /// What the owner is to do next.
    enum Output: Equatable {
        /// Deliver these bytes of the piece.
        case message(Range<Int>)
        /// Deliver this message.
        case collected([UInt8])
        /// Tell the handler that the client has sent its last message.
        case halfClosed
        /// Nothing; the piece is used up.
        case needsMore
        /// End the call with this status.
        case reject(GRPCStatus)
    }

    private enum Phase {
        case open
        case halfClosed
        case ended
    }

    private let takesOneRequest: Bool
    private var phase = Phase.open
    private var reader: MessageReader
    /// The only message of a one-request call that waits for the end.
    private var held: [UInt8]?

    /// A call of a method of this kind, with a limit for one message.
    init(kind: MethodKind, maxMessageBytes: Int) {
        takesOneRequest = kind.takesOneRequest
        reader = MessageReader(maxMessageBytes: maxMessageBytes)
    }

    /// Bytes kept of a request of which the end has not come.
    var unfinishedBytes: Int { reader.collectedBytes + (held?.count ?? 0) }

    /// Reads on in a piece of the body from `offset`; `isLast` when END_STREAM follows the piece.
    ///
    /// Call it again until it says `needsMore`, `halfClosed` or `reject`; with one-request methods
    /// a message is the last output.
    mutating func next(in piece: RawSpan, at offset: inout Int, isLast: Bool) -> Output {
        guard phase == .open else { return .needsMore }
        while true {
            switch reader.next(in: piece, at: &offset) {
            case .message(let range):
                guard takesOneRequest else { return .message(range) }
                if held != nil { return tooMany }
                if isLast && offset == piece.byteCount {
                    phase = .halfClosed
                    return .message(range)
                }
                held = Array(copying: piece.extracting(range))
            case .collected(let message):
                guard takesOneRequest else { return .collected(message) }
                if held != nil { return tooMany }
                held = message
            case .needsMore: return isLast ? bodyEnded() : .needsMore
            case .failed(let status): return .reject(status)
            }
        }
    }

    /// The common case in one step: the first piece is the whole body of a call with one request.
    ///
    /// Returns where the message lies, and the call is half-closed; or nil, and nothing has changed.
    @inline(__always)
    mutating func wholeRequest(in piece: RawSpan, isLast: Bool) -> Range<Int>? {
        guard isLast, takesOneRequest, phase == .open, held == nil,
            let message = reader.onlyMessage(of: piece)
        else { return nil }
        phase = .halfClosed
        return message
    }

    /// The call is over; nothing more comes out.
    mutating func ended() {
        phase = .ended
        held = nil
    }

    private var tooMany: Output {
        .reject(GRPCStatus(.unimplemented, "the method takes one message, but more were sent"))
    }

    private mutating func bodyEnded() -> Output {
        guard reader.isBetweenMessages else {
            return .reject(GRPCStatus(.internalError, "the request ended inside a message"))
        }
        phase = .halfClosed
        guard takesOneRequest else { return .halfClosed }
        guard let message = held else {
            return .reject(GRPCStatus(.unimplemented, "the method takes one message, got none"))
        }
        held = nil
        return .collected(message)
    }
}
