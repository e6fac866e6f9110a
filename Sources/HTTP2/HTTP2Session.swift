import CNghttp2

/// One HTTP/2 connection (RFC 9113) over nghttp2, as a machine: bytes go in and events come out,
/// submissions go in and bytes come out. It has no socket, no clock and no thread.
///
/// One owner at a time (a session is not `Sendable`). Inputs are `receive` and the submissions
/// (`respond`, `send`, `finish`, `reset`, ...); outputs are the events and `drainOutput`. Every
/// submission only queues: call `drainOutput` afterwards, once for many of them. All windows are
/// credited by the owner (`consume`), so what is not read is not sent.
///
/// Invariants: a slot belongs to one stream from its first event until the batch with its `closed`
/// event has been worked through, which must be before the next `receive` or `drainOutput`; a name of
/// a stream that is gone is ignored; nghttp2's callbacks append events and never call back.
@safe
public final class HTTP2Session {
    /// Which end of the connection this is.
    public enum Role: Sendable {
        case server
        case client
    }

    static let shutdownPing: UInt64 = 0x63_61_64_72_65_65_6e_64

    let state: UnsafeMutablePointer<HTTP2SessionState>
    let session: OpaquePointer
    /// Kept alive for nghttp2, which holds a pointer into it.
    private let pool: HTTP2SessionPool?
    /// Input is not looked at any more: the session failed or was terminated.
    private var isDeaf = false
    private var sentFinalGoAway = false

    /// A session whose first output is the preface and SETTINGS; nil when memory is short.
    ///
    /// With a pool the session's memory comes from there, and it is bound to the pool's thread.
    public init?(
        _ role: Role, options: HTTP2Options = .defaults, pool: HTTP2SessionPool? = nil
    ) {
        let state = UnsafeMutablePointer<HTTP2SessionState>.allocate(capacity: 1)
        unsafe state.initialize(
            to: HTTP2SessionState(isServer: role == .server, options: options))
        guard let session = unsafe Self.makeSession(role, options, state, pool) else {
            unsafe state.deinitialize(count: 1)
            unsafe state.deallocate()
            return nil
        }
        unsafe self.state = unsafe state
        unsafe self.session = unsafe session
        self.pool = pool
        submitSettings(role, options)
    }

    deinit {
        unsafe nghttp2_session_del(session)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// How many streams are open.
    public var openStreamCount: Int { unsafe state.pointee.openStreams }

    /// True when nothing will be read or written any more: close the socket.
    public var isFinished: Bool {
        if isDeaf { return !wantsWrite }
        return unsafe nghttp2_session_want_read(session) == 0 && !wantsWrite
    }

    /// True when `drainOutput` may have something to give.
    public var wantsWrite: Bool {
        unsafe !state.pointee.hasEnded && nghttp2_session_want_write(session) != 0
    }

    /// What the peer's last GOAWAY said, for a person; mostly empty.
    public var peerReason: String { unsafe state.pointee.peerReason }

    /// Bytes that wait to be sent on all streams, as they lie in memory.
    public var heldBytes: Int { unsafe state.pointee.heldBytes }

    /// How many streams the peer lets this side open.
    public var peerMaxConcurrentStreams: Int {
        unsafe Int(
            nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }

    /// Takes bytes from the peer and appends what they mean to `events`.
    ///
    /// Data events are ranges of `input`. When the peer breaks the rules or a limit, the session
    /// queues a GOAWAY with the reason and ignores all further input; `isFinished` turns true after
    /// the next `drainOutput`. `now` is monotonic, in nanoseconds.
    public func receive(_ input: RawSpan, now: UInt64, into events: inout HTTP2Events) {
        guard !isDeaf, !input.isEmpty else { return }
        unsafe swap(&events, &state.pointee.batch)
        unsafe state.pointee.batchBegins()
        unsafe state.pointee.now = now
        let result = unsafe input.withUnsafeBytes { bytes in
            unsafe state.pointee.input = unsafe bytes
            return unsafe nghttp2_session_mem_recv(
                session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
        unsafe state.pointee.input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe swap(&events, &state.pointee.batch)
        if result < 0 { receiveFailed(Int32(result)) } else { endAfterViolation() }
        if unsafe state.pointee.shutdownPingAnswered { sendFinalGoAway() }
    }

    /// Ends the connection for what a callback has found; whether it did so now.
    @discardableResult
    func endAfterViolation() -> Bool {
        guard !isDeaf, let violation = unsafe state.pointee.violation else { return false }
        terminate(violation.code, reason: violation.reason)
        return true
    }

    private func receiveFailed(_ result: Int32) {
        endAfterViolation()
        if isDeaf { return }
        switch result {
        case NGHTTP2_ERR_FLOODED.rawValue: terminate(.enhanceYourCalm, reason: "flooded")
        case NGHTTP2_ERR_NOMEM.rawValue: terminate(.internalError, reason: "out_of_memory")
        default: terminate(.protocolError, reason: "")
        }
    }

    /// Asks the peer to go elsewhere: GOAWAY with the highest identifier, a round trip, then GOAWAY
    /// with the last stream that will be answered. Open streams go on. Server only.
    public func beginShutdown() {
        guard !isDeaf, !sentFinalGoAway else { return }
        _ = unsafe nghttp2_submit_shutdown_notice(session)
        ping(Self.shutdownPing)
    }

    /// Opens no more streams: GOAWAY; the session is finished when those there are have ended.
    /// Client only.
    public func endAfterStreams() { sendFinalGoAway() }

    private func sendFinalGoAway() {
        guard !isDeaf, !sentFinalGoAway else { return }
        sentFinalGoAway = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        _ = unsafe nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, HTTP2ErrorCode.noError.rawValue, nil,
            0)
    }

    /// Ends the connection: GOAWAY with this code and, for a person, `reason` as debug data.
    /// Nothing else is sent after it and no input is looked at.
    public func terminate(_ code: HTTP2ErrorCode, reason: String = "") {
        guard !isDeaf else { return }
        isDeaf = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        if reason.isEmpty {
            _ = unsafe nghttp2_session_terminate_session2(session, last, code.rawValue)
            return
        }
        // nghttp2 ends a session with a GOAWAY of its own, which has no reason and would hide this
        // one; so this one is marked as the last when it is sent.
        let bytes = Array(reason.utf8)
        _ = unsafe nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, bytes, bytes.count)
    }

    /// Sends a PING; `pong` with the same number follows.
    public func ping(_ number: UInt64) {
        unsafe withUnsafeBytes(of: number) { bytes in
            _ = unsafe nghttp2_submit_ping(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    private static func makeSession(
        _ role: Role, _ options: HTTP2Options, _ state: UnsafeMutablePointer<HTTP2SessionState>,
        _ pool: HTTP2SessionPool?
    ) -> OpaquePointer? {
        var session: OpaquePointer?
        var settings: OpaquePointer?
        guard unsafe nghttp2_option_new(&settings) == 0 else { return nil }
        defer { unsafe nghttp2_option_del(settings) }
        unsafe nghttp2_option_set_no_auto_window_update(settings, 1)
        unsafe nghttp2_option_set_no_closed_streams(settings, 1)
        unsafe nghttp2_option_set_max_outbound_ack(settings, options.maxOutboundAcks)
        unsafe nghttp2_option_set_max_settings(settings, options.maxSettings)
        unsafe nghttp2_option_set_max_continuations(settings, options.maxContinuations)
        unsafe nghttp2_option_set_max_deflate_dynamic_table_size(settings, 4096)
        // Resets are counted by `peerResets`: nghttp2 would end the connection as INTERNAL_ERROR,
        // and by a clock of its own.
        unsafe nghttp2_option_set_stream_reset_rate_limit(settings, .max, .max)
        // nghttp2 skips frames of unknown types unseen unless each type is asked for; these are all
        // above CONTINUATION.
        for type in UInt8(10)...UInt8.max {
            unsafe nghttp2_option_set_user_recv_extension_type(settings, type)
        }
        let table = unsafe HTTP2SessionCallbacks.table
        let result =
            switch role {
            case .server:
                unsafe nghttp2_session_server_new3(
                    &session, table, state, settings, pool?.functions)
            case .client:
                unsafe nghttp2_session_client_new3(
                    &session, table, state, settings, pool?.functions)
            }
        return result == 0 ? unsafe session : nil
    }

    private func submitSettings(_ role: Role, _ options: HTTP2Options) {
        func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: value)
        }
        var entries = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindowBytes),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes),
            entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        switch role {
        case .server:
            entries.append(
                entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams))
        case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        _ = unsafe nghttp2_submit_settings(session, none, entries, entries.count)
        _ = unsafe nghttp2_session_set_local_window_size(
            session, none, 0, Int32(options.connectionWindowBytes))
    }
}
