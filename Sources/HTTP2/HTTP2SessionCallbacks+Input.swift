import CNghttp2

// What comes: frames, header fields and body bytes become events.
extension HTTP2SessionCallbacks {
    static func beginFrame(_ frame: nghttp2_frame_hd, _ state: State) -> Int32 {
        guard unsafe state.pointee.progress.frameReceived(now: state.pointee.now) else {
            return unsafe fail(state, .enhanceYourCalm, "too_many_frames_without_progress")
        }
        let isHeaders = UInt32(frame.type) == NGHTTP2_HEADERS.rawValue
        guard isHeaders, unsafe state.pointee.isServer, frame.stream_id % 2 == 1 else {
            return goOn
        }
        if unsafe state.pointee.opened.headersReceived(on: frame.stream_id) { return goOn }
        return unsafe fail(state, .protocolError, "stream_id_not_increasing")
    }

    static func beginHeaders(
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

    static func header(
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

    static func dataChunk(
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

    static func frameReceived(
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
            unsafe state.pointee.peerReason = unsafe reason(of: goAway)
            unsafe state.pointee.batch.events.append(
                .goAway(
                    lastStreamID: goAway.last_stream_id,
                    HTTP2ErrorCode(rawValue: goAway.error_code)))
        default: break
        }
        return goOn
    }

    private static func reason(of goAway: nghttp2_goaway) -> String {
        unsafe String(
            decoding: UnsafeBufferPointer(
                start: goAway.opaque_data, count: goAway.opaque_data_len), as: UTF8.self)
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

    static func invalidFrameReceived(
        _ session: OpaquePointer?, _ header: nghttp2_frame_hd, _ error: Int32, _ state: State
    ) -> Int32 {
        // More streams than the limit are no mistake before the peer has seen it; each costs its
        // frame's share of the progress budget.
        if error == NGHTTP2_ERR_REFUSED_STREAM.rawValue { return goOn }
        if let slot = unsafe slot(session, header.stream_id, state),
            unsafe state.pointee.streams[slot].pointee.id == header.stream_id
        {
            // nghttp2 resets the stream now; what has been paid for here is not to be paid for again
            // when it closes.
            if unsafe state.pointee.streams[slot].pointee.isCharged { return goOn }
            unsafe state.pointee.streams[slot].pointee.isCharged = true
        }
        return unsafe chargeEarlyEnd(state)
    }

    static func streamClosed(
        _ session: OpaquePointer?, _ id: Int32, _ code: UInt32, _ state: State
    ) -> Int32 {
        guard let slot = unsafe slot(session, id, state),
            unsafe state.pointee.streams[slot].pointee.id == id
        else { return goOn }
        let isEarlyEnd =
            unsafe code != 0 && state.pointee.isServer
            && !state.pointee.streams[slot].pointee.isCharged
            && !state.pointee.streams[slot].pointee.resetByPeer
            && !state.pointee.streams[slot].pointee.resetBySelf
        unsafe state.pointee.close(slot: slot)
        unsafe state.pointee.batch.events.append(
            .closed(HTTP2Stream(id: id, slot: slot), HTTP2ErrorCode(rawValue: code)))
        // Streams close while output is made too, where nghttp2 would meet a failure again each time:
        // what is found here is acted upon when it has returned.
        if isEarlyEnd { _ = unsafe chargeEarlyEnd(state) }
        return goOn
    }
}
