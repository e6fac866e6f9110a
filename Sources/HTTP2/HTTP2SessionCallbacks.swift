import CNghttp2

/// nghttp2's callbacks: they append events, keep count, and return. None of them submits, sends or
/// receives (nghttp2 Programmers' Guide, Remarks); what must follow is noted in the state and done
/// after the call that ran them.
enum HTTP2SessionCallbacks {
    // Spelled out in the closures below: a C function must not capture even the metatype.
    typealias On = HTTP2SessionCallbacks
    typealias State = UnsafeMutablePointer<HTTP2SessionState>

    /// One table for all sessions. Safe to share: nghttp2 copies it in `nghttp2_session_*_new`.
    nonisolated(unsafe) static let table: OpaquePointer? = unsafe makeTable()

    static let goOn: Int32 = 0
    static let giveUp = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    static let flagAck = UInt8(NGHTTP2_FLAG_ACK.rawValue)
    static let flagEndStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)

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
            session, frame, error, user in
            guard let frame = unsafe frame, let state = unsafe On.state(user) else {
                return On.giveUp
            }
            return unsafe On.invalidFrameReceived(session, frame.pointee.hd, error, state)
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
            if unsafe frame.pointee.hd.type == UInt8(NGHTTP2_GOAWAY.rawValue) {
                return unsafe On.goAwaySent(frame.pointee.goaway, state)
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

    static func state(_ user: UnsafeMutableRawPointer?) -> State? {
        unsafe user?.assumingMemoryBound(to: HTTP2SessionState.self)
    }

    /// The slot kept as the stream's user data, or nil for a stream that is not ours any more.
    static func slot(_ session: OpaquePointer?, _ id: Int32, _ state: State) -> Int32? {
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

    static func fail(
        _ state: State, _ code: HTTP2ErrorCode, _ reason: String
    ) -> Int32 {
        unsafe state.pointee.violation = HTTP2Violation(code: code, reason: reason)
        return giveUp
    }

    static func chargeEarlyEnd(_ state: State) -> Int32 {
        if unsafe state.pointee.earlyEnds.take(now: state.pointee.now) { return goOn }
        return unsafe fail(state, .enhanceYourCalm, "too_many_stream_errors")
    }
}
