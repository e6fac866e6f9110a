import HTTP2

// Answers that the client does not take.
extension ServerConnection {
    /// Bytes a second that a client must let go of a stream that waits for nothing else.
    private static let leastBytesPerSecond = 512

    /// Counts what the session holds for the client in the loop's `unsent`.
    func countUnsent() {
        let change = session.heldBytes - unsentBytes
        guard change != 0, !isLost else { return }
        unsentBytes += change
        _ = loop.unsent.changed(by: change)
    }

    /// Whether an answer of this size may be queued: a large one may not while clients have left too
    /// many waiting.
    func hasRoom(for count: Int) -> Bool {
        guard count > ByteBudget.sparedBytes else { return true }
        countUnsent()
        return loop.unsent.hasRoom(for: count)
    }

    /// What a call is told whose answer has no room.
    var noRoom: GRPCStatus {
        GRPCStatus(
            .resourceExhausted,
            "answers that clients have not taken hold \(loop.unsent.limit) bytes already; try again "
                + "later")
    }

    /// Ends streams of which the client lets next to nothing go for `limit` nanoseconds.
    ///
    /// - Parameter isFlowing: whether the socket takes output.
    func endStreamsStandingStill(now: UInt64, limit: UInt64, isFlowing: Bool) {
        let seconds = Double(limit) / 1e9
        let standing = session.streamsStandingStill(
            now: now, limit: limit,
            leastBytes: max(1, Int(seconds * Double(Self.leastBytesPerSecond))),
            isFlowing: isFlowing)
        for stream in standing { end(stream, notTakenFor: seconds) }
        if session.wantsWrite { becameDirty() }
    }

    /// The socket takes nothing any more, so that nobody can be told: the calls end as those do whose
    /// streams stand still.
    func endCallsNotTaken() {
        calls.forEach { $0.cancelled(.clientTooSlow, code: .resourceExhausted, telling: nil) }
    }

    /// The handler may be done with the call long since; the client is told all the same.
    private func end(_ stream: HTTP2Stream, notTakenFor seconds: Double) {
        let status = GRPCStatus(
            .resourceExhausted,
            "what waited was not taken for \(seconds) s; read faster, or go on from where this ended"
        )
        session.finishNow(
            on: stream, trailers: StatusFields.trailers[status.code.rawValue],
            fields: StatusFields.fields(of: status, trailers: Metadata()))
        call(stream)?.cancelled(.clientTooSlow, code: status.code, telling: nil)
    }
}
