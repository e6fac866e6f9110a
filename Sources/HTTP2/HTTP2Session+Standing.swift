import CNghttp2

// What is done about a peer that holds the memory of its answers and does not take them.
extension HTTP2Session {
    /// Streams of whose queues the peer let fewer than `leastBytes` go in `limit` nanoseconds, though
    /// nothing but the peer was in the way; `finishNow` or `reset` ends them.
    ///
    /// To be called regularly, with the monotonic time in nanoseconds; a stream is told between one
    /// and two `limit`s after it stood still. A stream that waits for its turn behind others is not to
    /// blame, nor is any while `isFlowing` is false: the connection as a whole takes no output then.
    public func streamsStandingStill(
        now: UInt64, limit: UInt64, leastBytes: Int, isFlowing: Bool
    ) -> [HTTP2Stream] {
        let isStuck = isStuck(now, limit, leastBytes, isFlowing)
        guard openStreamCount > 0 else { return [] }
        var standing: [HTTP2Stream] = []
        for slot in 0..<Int32(unsafe state.pointee.streams.count) {
            let record = unsafe state.pointee.streams[slot]
            let id = unsafe record.pointee.id
            if unsafe !isFlowing || record.pointee.queuedBytes == 0 {
                unsafe record.pointee.watch.pause()
            } else if isStuck {
                standing.append(HTTP2Stream(id: id, slot: slot))
            } else if window(of: id) > 0 {
                unsafe record.pointee.watch.pause()  // It waits for its turn.
            } else if unsafe record.pointee.watch.standsStill(
                now: now, limit: limit, leastBytes: leastBytes)
            {
                standing.append(HTTP2Stream(id: id, slot: slot))
            }
        }
        return standing
    }

    /// Whether the connection's window keeps all streams, so that none has a turn to wait for.
    private func isStuck(
        _ now: UInt64, _ limit: UInt64, _ leastBytes: Int, _ isFlowing: Bool
    ) -> Bool {
        guard isFlowing, unsafe nghttp2_session_get_remote_window_size(session) == 0 else {
            unsafe state.pointee.watch.pause()
            return false
        }
        return unsafe state.pointee.watch.standsStill(
            now: now, limit: limit, leastBytes: leastBytes)
    }

    /// Server: ends a stream that has been answered with trailers, and drops what is queued: trailers
    /// need no window, so that a peer which gives none is told why.
    public func finishNow(
        on stream: HTTP2Stream, trailers: HTTP2HeaderBlock, fields: HTTP2Fields = HTTP2Fields()
    ) {
        guard unsafe state.pointee.isOpen(stream), hasHeaders(stream) else { return }
        let record = unsafe state.pointee.streams[stream.slot]
        unsafe state.pointee.dropQueue(stream.slot)
        unsafe record.pointee.trailers = nil
        unsafe record.pointee.endsApart = true
        if unsafe !record.pointee.localEnded { localEnds(stream) }
        let result = unsafe withPairs(trailers, fields) { pairs, count in
            unsafe nghttp2_submit_trailer(session, stream.id, pairs, count)
        }
        if result != 0 { reset(stream, .enhanceYourCalm) }
    }

    private func window(of id: Int32) -> Int32 {
        unsafe nghttp2_session_get_stream_remote_window_size(session, id)
    }
}
