import CNghttp2

// What the owner submits on single streams, and the bytes that come of it.
extension HTTP2Session {
    /// Server: sends response headers; messages and trailers follow.
    public func respond(
        on stream: HTTP2Stream, head: HTTP2HeaderBlock, fields: HTTP2Fields = HTTP2Fields()
    ) {
        guard unsafe state.pointee.isOpen(stream), !hasHeaders(stream) else { return }
        unsafe state.pointee.streams[stream.slot].pointee.hasHeaders = true
        var provider = unsafe queueProvider(stream.slot)
        let result = unsafe withPairs(head, fields) { pairs, count in
            unsafe nghttp2_submit_response(session, stream.id, pairs, count, &provider)
        }
        if result != 0 { reset(stream, .internalError) }
    }

    /// Server: sends response headers that also end the stream.
    public func respondOnly(
        on stream: HTTP2Stream, head: HTTP2HeaderBlock, fields: HTTP2Fields = HTTP2Fields()
    ) {
        guard unsafe state.pointee.isOpen(stream), !hasHeaders(stream) else { return }
        unsafe state.pointee.streams[stream.slot].pointee.hasHeaders = true
        localEnds(stream)
        let result = unsafe withPairs(head, fields) { pairs, count in
            unsafe nghttp2_submit_response(session, stream.id, pairs, count, nil)
        }
        if result != 0 { reset(stream, .internalError) }
    }

    /// Client: opens a stream with these headers; nil when the connection takes no more.
    public func request(head: HTTP2HeaderBlock, fields: HTTP2Fields) -> HTTP2Stream? {
        let slot = unsafe state.pointee.open(id: -1)
        var provider = unsafe queueProvider(slot)
        let id = unsafe withPairs(head, fields) { pairs, count in
            unsafe nghttp2_submit_request(
                session, nil, pairs, count, &provider, HTTP2SessionCallbacks.userData(slot: slot))
        }
        guard id > 0 else {
            unsafe state.pointee.close(slot: slot)
            return nil
        }
        unsafe state.pointee.streams[slot].pointee.id = id
        unsafe state.pointee.streams[slot].pointee.hasHeaders = true
        return HTTP2Stream(id: id, slot: slot)
    }

    /// Client: gives the next stream this identifier, which is odd and higher than all before. Tests
    /// come near the last one by it, which takes 2^30 calls else.
    func skipStreams(to id: Int32) {
        _ = unsafe nghttp2_session_set_next_stream_id(session, id)
    }

    /// Queues body bytes; headers must have been submitted.
    public func send(_ bytes: consuming [UInt8], on stream: HTTP2Stream) {
        guard unsafe state.pointee.isOpen(stream), !bytes.isEmpty,
            unsafe !state.pointee.streams[stream.slot].pointee.localEnded
        else { return }
        unsafe state.pointee.enqueue(bytes, slot: stream.slot)
        resume(stream)
    }

    /// Server: ends the stream with trailers, after what is queued.
    public func finish(
        on stream: HTTP2Stream, trailers: HTTP2HeaderBlock, fields: HTTP2Fields = HTTP2Fields()
    ) {
        guard unsafe state.pointee.isOpen(stream),
            unsafe !state.pointee.streams[stream.slot].pointee.localEnded
        else { return }
        if unsafe state.pointee.isServer && queuedBytes(on: stream) == 0 && hasHeaders(stream) {
            // Behind nothing the trailers need not wait for a window either.
            return finishNow(on: stream, trailers: trailers, fields: fields)
        }
        unsafe state.pointee.streams[stream.slot].pointee.trailers = (trailers, fields)
        localEnds(stream)
        resume(stream)
    }

    /// Client: ends the request, after what is queued.
    public func finishSending(on stream: HTTP2Stream) {
        guard unsafe state.pointee.isOpen(stream) else { return }
        unsafe state.pointee.streams[stream.slot].pointee.localEnded = true
        resume(stream)
    }

    /// Sends RST_STREAM and drops what is queued; `closed` follows.
    public func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard unsafe state.pointee.isOpen(stream) else { return }
        unsafe state.pointee.streams[stream.slot].pointee.resetBySelf = true
        unsafe state.pointee.dropQueue(stream.slot)
        _ = unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    }

    /// Forgets what is queued on the stream; what was given out by `drainOutput` is gone.
    public func dropQueue(of stream: HTTP2Stream) {
        guard unsafe state.pointee.isOpen(stream) else { return }
        unsafe state.pointee.dropQueue(stream.slot)
    }

    /// Server: whether response headers were submitted; what headers still come are trailers.
    public func hasAnswered(_ stream: HTTP2Stream) -> Bool {
        unsafe state.pointee.isOpen(stream) && hasHeaders(stream)
    }

    /// Body bytes queued on the stream and not yet taken by `drainOutput`.
    public func queuedBytes(on stream: HTTP2Stream) -> Int {
        guard unsafe state.pointee.isOpen(stream) else { return 0 }
        return unsafe state.pointee.streams[stream.slot].pointee.queuedBytes
    }

    /// False when the stream's queue has reached the high watermark; `writable` follows then.
    public func isWritable(_ stream: HTTP2Stream) -> Bool {
        let high = unsafe state.pointee.options.sendHighWatermarkBytes
        guard queuedBytes(on: stream) >= high else { return true }
        unsafe state.pointee.streams[stream.slot].pointee.wantsWritable = true
        return false
    }

    /// Credits received body bytes to the connection's window. All of them must be, in time.
    public func consumeConnection(_ count: Int) {
        guard count > 0 else { return }
        _ = unsafe nghttp2_session_consume_connection(session, count)
    }

    /// Credits received body bytes to the stream's window; not needed once the peer has ended it.
    public func consumeStream(_ stream: HTTP2Stream, _ count: Int) {
        guard count > 0, unsafe state.pointee.isOpen(stream),
            unsafe !state.pointee.streams[stream.slot].pointee.remoteEnded
        else { return }
        _ = unsafe nghttp2_session_consume_stream(session, stream.id, count)
    }

    /// Gives output to `body`, frame by frame, until there is none or `maxBytes` is passed.
    ///
    /// Returns true when there may be more. Streams that end in here are told in `events`.
    public func drainOutput(
        maxBytes: Int, into events: inout HTTP2Events, _ body: (RawSpan) -> Void
    ) -> Bool {
        unsafe swap(&events, &state.pointee.batch)
        unsafe state.pointee.batchBegins()
        defer { unsafe swap(&events, &state.pointee.batch) }
        var produced = 0
        while unsafe produced < maxBytes && !state.pointee.hasEnded {
            var data: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &data)
            if count > 0, let start = unsafe data {
                unsafe body(
                    RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: count)))
                produced += count
            }
            let submitted = submitWhatCallbacksNoted()
            let endsNow = endAfterViolation()
            if count <= 0 && !submitted && !endsNow { return false }
        }
        return unsafe !state.pointee.hasEnded
    }

    /// Trailers and resets that became due inside `mem_send`; false when there were none.
    private func submitWhatCallbacksNoted() -> Bool {
        let none =
            unsafe state.pointee.slotsAwaitingTrailers.isEmpty
            && state.pointee.streamsAwaitingReset.isEmpty
        if none { return false }
        while let slot = unsafe state.pointee.slotsAwaitingTrailers.popLast() {
            let id = unsafe state.pointee.streams[slot].pointee.id
            guard let trailers = unsafe state.pointee.streams[slot].pointee.trailers.take() else {
                continue
            }
            unsafe withPairs(trailers.block, trailers.fields) { pairs, count in
                _ = unsafe nghttp2_submit_trailer(session, id, pairs, count)
            }
        }
        while let (id, code) = unsafe state.pointee.streamsAwaitingReset.popLast() {
            _ = unsafe nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
        }
        return true
    }

    func hasHeaders(_ stream: HTTP2Stream) -> Bool {
        unsafe state.pointee.streams[stream.slot].pointee.hasHeaders
    }

    /// This side ends; when the peer has not, RFC 9113 section 8.1 asks for RST_STREAM(NO_ERROR).
    func localEnds(_ stream: HTTP2Stream) {
        unsafe state.pointee.streams[stream.slot].pointee.localEnded = true
        guard unsafe !state.pointee.streams[stream.slot].pointee.remoteEnded,
            unsafe state.pointee.isServer
        else { return }
        unsafe state.pointee.streams[stream.slot].pointee.resetsAfterEnd = true
        unsafe state.pointee.resetsAfterEndCount += 1
    }

    private func resume(_ stream: HTTP2Stream) {
        guard unsafe state.pointee.streams[stream.slot].pointee.isDeferred else { return }
        unsafe state.pointee.streams[stream.slot].pointee.isDeferred = false
        _ = unsafe nghttp2_session_resume_data(session, stream.id)
    }

    private func queueProvider(_ slot: Int32) -> nghttp2_data_provider {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.source.fd = slot
        unsafe provider.read_callback = HTTP2SessionCallbacks.readQueue
        return unsafe provider
    }
}
