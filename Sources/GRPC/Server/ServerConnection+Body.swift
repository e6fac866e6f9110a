import HTTP2
import NIOCore

// What a call is sent, and what is kept of it.
extension ServerConnection {
    func dataReceived(_ stream: HTTP2Stream, _ piece: RawSpan, _ isLast: Bool) {
        guard let call = call(stream) else {
            creditedBytes += piece.byteCount  // The call was answered before its body had come.
            return
        }
        call.bytesReceived += piece.byteCount
        if call.isPaused || call.unread != nil || call.isReading {
            return call.keepUnread(piece, isLast: isLast)
        }
        read(call, piece, isLast: isLast)
    }

    /// Goes on with what came while the call was paused.
    func readOn(_ call: ServerCall) {
        guard !call.isHeld, !call.isReading, let unread = call.unread else { return }
        call.unread = nil
        now = NIODeadline.now().uptimeNanoseconds
        unread.bytes.withBytes { read(call, $0, isLast: unread.isLast) }
        creditConnection()
        if session.wantsWrite { becameDirty() }
    }

    func read(_ call: ServerCall, _ piece: RawSpan, isLast: Bool) {
        if let deadline = call.dueAt, deadline.uptimeNanoseconds <= now {
            creditedBytes += piece.byteCount
            return deadlinePassed(call)
        }
        if let message = call.machine.wholeRequest(in: piece, isLast: isLast) {
            creditedBytes += piece.byteCount
            call.isReading = true
            deliver(piece.extracting(message), to: call)
            call.isReading = false
            return
        }
        readPieces(call, piece, isLast)
    }

    private func readPieces(_ call: ServerCall, _ piece: RawSpan, _ isLast: Bool) {
        var offset = 0
        call.isReading = true
        while call.isOpen, deliver(call, piece, &offset, isLast) {}
        call.isReading = false
        if call.isOpen && call.isHeld && (offset < piece.byteCount || isLast) {
            call.keepUnread(piece.extracting(offset..<piece.byteCount), isLast: isLast)
        } else {
            offset = piece.byteCount
        }
        creditedBytes += offset
        if !isLast { session.consumeStream(call.stream, offset) }
        if call.isOpen { countUnfinished(call) }
    }

    /// Counts what is kept of the call's request, and turns it away when all of them hold too much.
    private func countUnfinished(_ call: ServerCall) {
        let change = call.machine.unfinishedBytes - call.unfinishedBytes
        guard change != 0 else { return }
        call.unfinishedBytes += change
        let isInOrder = loop.unfinished.changed(by: change)
        guard !isInOrder, change > 0, call.unfinishedBytes > ByteBudget.sparedBytes else { return }
        let status = GRPCStatus(
            .resourceExhausted,
            "unfinished requests hold \(limits.maxUnfinishedBytes) bytes already; send less at "
                + "once, or try again later")
        call.cancelled(.protocolViolation, code: status.code, telling: status)
    }

    /// One step of reading; false when there is nothing to go on with.
    private func deliver(
        _ call: ServerCall, _ piece: RawSpan, _ offset: inout Int, _ isLast: Bool
    ) -> Bool {
        if call.isHeld { return false }
        switch call.machine.next(in: piece, at: &offset, isLast: isLast) {
        case .message(let range): deliver(piece.extracting(range), to: call)
        case .collected(let message): message.withBytes { deliver($0, to: call) }
        case .needsMore: return false
        case .halfClosed:
            call.onHalfClose?()
            return false
        case .reject(let status):
            call.cancelled(.protocolViolation, code: status.code, telling: status)
            return false
        }
        return true
    }

    private func deliver(_ message: RawSpan, to call: ServerCall) {
        do throws(GRPCStatus) {
            switch call.registered.handler {
            case .oneMessage(let handler): try handler(call, message)
            case .stream: try call.onMessage?(message)
            }
        } catch {
            thrown(error, by: call)
        }
    }
}
