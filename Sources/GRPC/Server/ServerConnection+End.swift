import HTTP2

// How a call ends.
extension ServerConnection {
    /// A handler has refused what came. One that takes a stream may have begun something for the
    /// call long ago, so it is told as of every end that it did not bring about by `finish`.
    func thrown(_ status: GRPCStatus, by call: ServerCall) {
        switch call.registered.handler {
        case .oneMessage: call.finish(status)
        case .stream: call.cancelled(.refused, code: status.code, telling: status)
        }
    }

    /// The deadline of a call has passed.
    func deadlinePassed(_ call: ServerCall) {
        let status = GRPCStatus(.deadlineExceeded, "the deadline passed before the call had ended")
        call.cancelled(.deadlineExceeded, code: .deadlineExceeded, telling: status)
    }

    /// The call has ended: lets go of everything that is kept for it.
    func forget(_ call: ServerCall, code: GRPCStatusCode) {
        calls[call.stream.slot] = nil
        openCalls -= 1
        call.machine.ended()
        if call.unfinishedBytes > 0 {
            _ = loop.unfinished.changed(by: -call.unfinishedBytes)
            call.unfinishedBytes = 0
        }
        loop.deadlines.disarm(call)
        if let unread = call.unread {
            // At once: a call that ends by itself or by its deadline ends outside of `received`, and
            // the peer may be waiting for just this credit.
            session.consumeConnection(unread.bytes.count)
            call.unread = nil
            if session.wantsWrite { becameDirty() }
        }
        call.connection = nil
        call.callbacks = ServerCall.Callbacks()
        observeEnd(call, code)
    }

    private func observeEnd(_ call: ServerCall, _ code: GRPCStatusCode) {
        let ended = max(now, loop.endOfCalls())
        idleSince = ended
        call.registered.callEnded(
            CallSummary(
                code: code, nanoseconds: Int64(ended &- call.startedAt),
                bytesReceived: call.bytesReceived, bytesSent: call.bytesSent))
    }
}

extension ServerCall: DeadlineBearer {
    func deadlinePassed() { connection?.deadlinePassed(self) }
}
