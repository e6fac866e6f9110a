import CNghttp2

/// nghttp2's callbacks: they append events, keep count, and return. None of them submits, sends or
/// receives (nghttp2 Programmers' Guide, Remarks); what must follow is noted in the state and done
/// after the call that ran them.
enum HTTP2SessionCallbacks {
    // Spelled out in the closures below: a C function must not capture even the metatype.
    private typealias On = HTTP2SessionCallbacks
    typealias State = UnsafeMutablePointer<HTTP2SessionState>

    /// One table for all sessions. Safe to share: nghttp2 copies it in `nghttp2_session_*_new`.
    nonisolated(unsafe) static let table: OpaquePointer? = unsafe makeTable()

    private static let goOn: Int32 = 0
    private static let giveUp = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    private static func makeTable() -> OpaquePointer? {
        var table: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&table) == 0 else { return nil }
        unsafe noteInput(table)
        unsafe noteErrors(table)
        unsafe noteOutput(table)
        return unsafe table
    }

    /// Frames, header fields and body bytes as they come.
    private static func noteInput(_ table: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(table) { _, header, user in
            guard let header = unsafe header, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.beginFrame(header.pointee, state)
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) {
            session, frame, user in
            guard let frame = unsafe frame, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.beginHeaders(session, frame.pointee, state)
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
            _, _, name, nameBytes, value, valueBytes, _, user in
            guard let name = unsafe name, let value = unsafe value,
                let state = unsafe On.state(user)
            else { return On.giveUp }
            return unsafe On.header(name, nameBytes, value, valueBytes, state)
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
            session, _, id, data, count, user in
            guard let data = unsafe data, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.dataChunk(session, id, data, count, state)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { session, frame, user in
            guard let frame = unsafe frame, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.frameReceived(session, frame, state)
        }
        // Extension frames are looked at by nobody; they are asked for so that they are counted.
        unsafe nghttp2_session_callbacks_set_unpack_extension_callback(table) { _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
    }

    /// What ends a stream.
    private static func noteErrors(_ table: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) {
            _, _, _, user in
            guard let state = unsafe On.state(user) else { return On.giveUp }
            return unsafe On.chargeEarlyEnd(state)
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) {
            session, id, code, user in
            guard let state = unsafe On.state(user) else { return On.giveUp }
            return unsafe On.streamClosed(session, id, code, state)
        }
    }

    /// Frames as they go.
    private static func noteOutput(_ table: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { session, frame, user in
            guard let frame = unsafe frame, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.frameSent(session, frame.pointee.hd, state)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(table) {
            session, frame, _, user in
            guard let frame = unsafe frame, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.frameNotSent(session, frame.pointee.hd, state)
        }
    }

    private static func state(_ user: UnsafeMutableRawPointer?) -> State? {
        unsafe user?.assumingMemoryBound(to: HTTP2SessionState.self)
    }

    /// The slot kept as the stream's user data, or nil for a stream that is not ours any more.
    private static func slot(_ session: OpaquePointer?, _ id: Int32, _ state: State) -> Int32? {
        let latest = unsafe state.pointee.latest
        if latest.id == id, unsafe state.pointee.isOpen(latest) { return latest.slot }
        guard let user = unsafe nghttp2_session_get_stream_user_data(session, id) else {
            return nil
        }
        let slot = Int32(Int(bitPattern: user) - 1)
        unsafe state.pointee.latest = HTTP2Stream(id: id, slot: slot)
        return slot
    }

    static func userData(slot: Int32) -> UnsafeMutableRawPointer? {
        // A small integer in a pointer's clothes: nghttp2 hands it back and never follows it.
        unsafe UnsafeMutableRawPointer(bitPattern: Int(slot) + 1)
    }

    private static func fail(
        _ state: State, _ code: HTTP2ErrorCode, _ reason: String
    ) -> Int32 {
        unsafe state.pointee.violation = HTTP2Violation(code: code, reason: reason)
        return giveUp
    }

    private static func chargeEarlyEnd(_ state: State) -> Int32 {
        if unsafe state.pointee.earlyEnds.take(now: state.pointee.now) { return goOn }
        return unsafe fail(state, .enhanceYourCalm, "too_many_stream_errors")
    }

    private static func beginFrame(_ frame: nghttp2_frame_hd, _ state: State) -> Int32 {
        guard unsafe state.pointee.progress.frameReceived() else {
            return unsafe fail(state, .enhanceYourCalm, "too_many_frames_without_progress")
        }
        let isHeaders = UInt32(frame.type) == NGHTTP2_HEADERS.rawValue
        guard isHeaders, unsafe state.pointee.isServer, frame.stream_id % 2 == 1 else {
            return goOn
        }
        if unsafe state.pointee.opened.headersReceived(on: frame.stream_id) { return goOn }
        return unsafe fail(state, .protocolError, "stream_id_not_increasing")
    }

    private static func beginHeaders(
        _ session: OpaquePointer?, _ frame: nghttp2_frame, _ state: State
    ) -> Int32 {
        unsafe state.pointee.block.removeAll()
        unsafe state.pointee.blockBytes = 0
        guard unsafe frame.headers.cat == NGHTTP2_HCAT_REQUEST else { return goOn }
        let id = unsafe frame.hd.stream_id
        let slot = unsafe state.pointee.open(id: id)
        // Setting the user data in this callback is what nghttp2's own documentation does.
        unsafe nghttp2_session_set_stream_user_data(session, id, userData(slot: slot))
        return goOn
    }

    private static func header(
        _ name: UnsafePointer<UInt8>, _ nameBytes: Int,
        _ value: UnsafePointer<UInt8>, _ valueBytes: Int, _ state: State
    ) -> Int32 {
        let limit = unsafe state.pointee.blockLimit
        let total = unsafe state.pointee.blockBytes + nameBytes + valueBytes + 32
        unsafe state.pointee.blockBytes = total
        // Just over the limit the call gets a proper answer; far over it the stream is reset and the
        // rest of the block decoded for HPACK's sake only.
        if total > 4 * limit { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue }
        if total > limit { return goOn }
        unsafe state.pointee.block.append(name: name, nameBytes, value: value, valueBytes)
        return goOn
    }

    private static func dataChunk(
        _ session: OpaquePointer?, _ id: Int32, _ data: UnsafePointer<UInt8>, _ count: Int,
        _ state: State
    ) -> Int32 {
        guard count > 0, let slot = unsafe slot(session, id, state) else { return goOn }
        unsafe state.pointee.progress.progressMade()
        let offset = unsafe UnsafeRawPointer(data) - state.pointee.input.baseAddress!
        unsafe state.pointee.batch.events.append(
            .data(
                HTTP2Stream(id: id, slot: slot), range: offset..<(offset + count), endStream: false)
        )
        return goOn
    }

    private static func frameReceived(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>, _ state: State
    ) -> Int32 {
        let header = unsafe frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue: return unsafe dataFrameReceived(session, header, state)
        case NGHTTP2_HEADERS.rawValue: return unsafe headersReceived(session, header, state)
        case NGHTTP2_RST_STREAM.rawValue: return unsafe resetReceived(session, header, state)
        case NGHTTP2_SETTINGS.rawValue where header.flags & flagAck == 0:
            unsafe state.pointee.batch.events.append(.settings)
        case NGHTTP2_PING.rawValue: return unsafe pingReceived(frame.pointee.ping, state)
        case NGHTTP2_GOAWAY.rawValue:
            let goAway = unsafe frame.pointee.goaway
            unsafe state.pointee.batch.events.append(
                .goAway(
                    lastStreamID: goAway.last_stream_id,
                    HTTP2ErrorCode(rawValue: goAway.error_code)))
        default: break
        }
        return goOn
    }

    private static func resetReceived(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ state: State
    ) -> Int32 {
        if let slot = unsafe slot(session, header.stream_id, state) {
            unsafe state.pointee.streams[slot].pointee.resetByPeer = true
        }
        if unsafe state.pointee.peerResets.take(now: state.pointee.now) { return goOn }
        return unsafe fail(state, .enhanceYourCalm, "too_many_resets")
    }

    private static let flagAck = UInt8(NGHTTP2_FLAG_ACK.rawValue)
    private static let flagEndStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)

    /// The end of a DATA frame. What it held was reported chunk by chunk; END_STREAM is told by the
    /// last chunk's event when that is still the newest, so that a whole request is one event.
    private static func dataFrameReceived(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ state: State
    ) -> Int32 {
        guard header.flags & flagEndStream != 0,
            let slot = unsafe slot(session, header.stream_id, state)
        else { return goOn }
        unsafe state.pointee.progress.progressMade()
        unsafe state.pointee.streams[slot].pointee.remoteEnded = true
        let stream = HTTP2Stream(id: header.stream_id, slot: slot)
        let last = unsafe state.pointee.batch.events.count - 1
        if last >= 0, case .data(stream, let range, _) = unsafe state.pointee.batch.events[last] {
            unsafe state.pointee.batch.events[last] = .data(stream, range: range, endStream: true)
        } else {
            unsafe state.pointee.batch.events.append(.data(stream, range: 0..<0, endStream: true))
        }
        return goOn
    }

    private static func headersReceived(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ state: State
    ) -> Int32 {
        guard let slot = unsafe slot(session, header.stream_id, state) else { return goOn }
        unsafe state.pointee.progress.progressMade()
        let stream = HTTP2Stream(id: header.stream_id, slot: slot)
        let ends = header.flags & flagEndStream != 0
        if ends { unsafe state.pointee.streams[slot].pointee.remoteEnded = true }
        let limit = unsafe Int(state.pointee.options.maxHeaderListBytes)
        if unsafe state.pointee.blockBytes > limit {
            unsafe state.pointee.batch.events.append(.headersTooLarge(stream, endStream: ends))
        } else {
            let fields = unsafe state.pointee.block.move(
                to: &state.pointee.batch.fields, unlessAt: state.pointee.latestBlock)
            unsafe state.pointee.latestBlock = fields
            unsafe state.pointee.batch.events.append(
                .headers(stream, fields: fields, endStream: ends))
        }
        return goOn
    }

    private static func pingReceived(_ ping: nghttp2_ping, _ state: State) -> Int32 {
        if ping.hd.flags & flagAck != 0 {
            let opaque = unsafe withUnsafeBytes(of: ping.opaque_data) {
                unsafe $0.loadUnaligned(as: UInt64.self)
            }
            if opaque == HTTP2Session.shutdownPing {
                unsafe state.pointee.shutdownPingAnswered = true
            } else {
                unsafe state.pointee.batch.events.append(.pong(opaque))
            }
            return goOn
        }
        if unsafe state.pointee.pings.take(now: state.pointee.now) { return goOn }
        return unsafe fail(state, .enhanceYourCalm, "too_many_pings")
    }

    private static func streamClosed(
        _ session: OpaquePointer?, _ id: Int32, _ code: UInt32, _ state: State
    ) -> Int32 {
        guard let slot = unsafe slot(session, id, state),
            unsafe state.pointee.streams[slot].pointee.id == id
        else { return goOn }
        let isCharged =
            unsafe code != 0 && state.pointee.isServer
            && !state.pointee.streams[slot].pointee.resetByPeer
            && !state.pointee.streams[slot].pointee.resetBySelf
        unsafe state.pointee.close(slot: slot)
        unsafe state.pointee.batch.events.append(
            .closed(HTTP2Stream(id: id, slot: slot), HTTP2ErrorCode(rawValue: code)))
        return isCharged ? unsafe chargeEarlyEnd(state) : goOn
    }

    private static func frameSent(
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
    private static func frameNotSent(
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
        unsafe state.pointee.streams[slot].pointee.dropQueue()
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
        let copied = unsafe state.pointee.streams[slot].pointee.dequeue(
            into: buffer, capacity: capacity)
        let queued = unsafe state.pointee.streams[slot].pointee.queuedBytes
        if unsafe queued <= state.pointee.options.sendHighWatermarkBytes / 2,
            unsafe state.pointee.streams[slot].pointee.wantsWritable
        {
            unsafe state.pointee.streams[slot].pointee.wantsWritable = false
            let id = unsafe state.pointee.streams[slot].pointee.id
            unsafe state.pointee.batch.events.append(.writable(HTTP2Stream(id: id, slot: slot)))
        }
        guard queued == 0 else { return copied }
        if unsafe state.pointee.streams[slot].pointee.localEnded {
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
