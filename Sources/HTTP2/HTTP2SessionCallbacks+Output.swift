import CNghttp2

// What goes: frames that were sent or could not be, and the bytes of the next ones.
extension HTTP2SessionCallbacks {
    /// Only the GOAWAY of `terminate` bears a reason; it is the last that is said.
    static func goAwaySent(_ goAway: nghttp2_goaway, _ state: State) -> Int32 {
        if unsafe goAway.opaque_data_len > 0 { unsafe state.pointee.hasEnded = true }
        return goOn
    }

    static func frameSent(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ state: State
    ) -> Int32 {
        let type = UInt32(header.type)
        if type == NGHTTP2_DATA.rawValue { unsafe state.pointee.progress.progressMade() }
        if type == NGHTTP2_DATA.rawValue || type == NGHTTP2_HEADERS.rawValue {
            unsafe state.pointee.pings.giveBack()
        }
        guard unsafe state.pointee.resetsAfterEndCount > 0, header.flags & flagEndStream != 0,
            type == NGHTTP2_HEADERS.rawValue || type == NGHTTP2_DATA.rawValue,
            let slot = unsafe slot(session, header.stream_id, state),
            unsafe state.pointee.streams[slot].pointee.resetsAfterEnd
        else { return goOn }
        unsafe state.pointee.streams[slot].pointee.resetsAfterEnd = false
        unsafe state.pointee.resetsAfterEndCount -= 1
        // The peer may have ended its side since.
        if unsafe !state.pointee.streams[slot].pointee.remoteEnded {
            unsafe state.pointee.streamsAwaitingReset.append((header.stream_id, .noError))
        }
        return goOn
    }

    /// A request that was cancelled before it was sent has no stream in nghttp2, so no
    /// `streamClosed` either; it is looked for by its identifier.
    static func frameNotSent(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ state: State
    ) -> Int32 {
        guard UInt32(header.type) == NGHTTP2_HEADERS.rawValue else { return goOn }
        if unsafe state.pointee.isServer {
            return unsafe responseNotSent(session, header.stream_id, state)
        }
        guard let slot = unsafe state.pointee.streams.firstSlot(of: header.stream_id) else {
            return goOn
        }
        unsafe state.pointee.close(slot: slot)
        unsafe state.pointee.batch.events.append(
            .closed(HTTP2Stream(id: header.stream_id, slot: slot), .refusedStream))
        return goOn
    }

    /// Response headers or trailers that nghttp2 refuses to send (it takes no block over 64 KiB):
    /// without them the peer would wait for ever, so the stream is reset.
    private static func responseNotSent(
        _ session: OpaquePointer?, _ id: Int32, _ state: State
    ) -> Int32 {
        guard let slot = unsafe slot(session, id, state),
            unsafe state.pointee.streams[slot].pointee.id == id,
            unsafe !state.pointee.streams[slot].pointee.resetBySelf
        else { return goOn }
        unsafe state.pointee.streams[slot].pointee.resetBySelf = true
        unsafe state.pointee.dropQueue(slot)
        unsafe state.pointee.streamsAwaitingReset.append((id, .internalError))
        return goOn
    }

    /// nghttp2 asks for the next piece of a stream's queue (`source.fd` is the slot).
    static let readQueue: nghttp2_data_source_read_callback = {
        _, id, buffer, capacity, flags, source, user in
        guard let buffer = unsafe buffer, let flags = unsafe flags, let source = unsafe source,
            let state = unsafe On.state(user)
        else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let slot = unsafe source.pointee.fd
        guard unsafe state.pointee.isOpen(HTTP2Stream(id: id, slot: slot)) else {
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        return unsafe On.read(slot, buffer, capacity, flags, state)
    }

    private static func read(
        _ slot: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int,
        _ flags: UnsafeMutablePointer<UInt32>, _ state: State
    ) -> Int {
        let copied = unsafe state.pointee.dequeue(slot, into: buffer, capacity: capacity)
        let queued = unsafe state.pointee.streams[slot].pointee.queuedBytes
        if unsafe queued <= state.pointee.options.sendHighWatermarkBytes / 2,
            unsafe state.pointee.streams[slot].pointee.wantsWritable
        {
            unsafe state.pointee.streams[slot].pointee.wantsWritable = false
            let id = unsafe state.pointee.streams[slot].pointee.id
            unsafe state.pointee.batch.events.append(.writable(HTTP2Stream(id: id, slot: slot)))
        }
        guard queued == 0 else { return copied }
        if unsafe state.pointee.streams[slot].pointee.localEnded,
            unsafe !state.pointee.streams[slot].pointee.endsApart
        {
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if unsafe state.pointee.streams[slot].pointee.trailers != nil {
                unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                unsafe state.pointee.slotsAwaitingTrailers.append(slot)
            }
            return copied
        }
        if copied > 0 { return copied }
        unsafe state.pointee.streams[slot].pointee.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
}
