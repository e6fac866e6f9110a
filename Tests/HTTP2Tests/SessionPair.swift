import Testing

import HTTP2

/// A client and a server session joined by byte arrays; no sockets, no clock.
final class SessionPair {
    let client: HTTP2Session
    let server: HTTP2Session
    var now: UInt64 = 1_000_000_000

    init(
        client: HTTP2Options = .defaults, server: HTTP2Options = .defaults,
        pool: HTTP2SessionPool? = nil
    ) throws {
        self.client = try #require(HTTP2Session(.client, options: client, pool: pool))
        self.server = try #require(HTTP2Session(.server, options: server, pool: pool))
    }

    /// What one side was told, with the bytes and fields its events point to made visible.
    struct Told: Equatable {
        var headers: [[String]] = []
        var streams: [HTTP2Stream] = []
        var body: [UInt8] = []
        var ends = 0
        var closed: [HTTP2ErrorCode] = []
        var others: [HTTP2Event] = []
    }

    /// The output of a session, cut by nothing.
    static func output(of session: HTTP2Session, _ told: inout Told) -> [UInt8] {
        var events = HTTP2Events()
        var bytes: [UInt8] = []
        var more = true
        while more {
            more = session.drainOutput(maxBytes: 1 << 20, into: &events) { span in
                for index in 0..<span.byteCount {
                    bytes.append(span.unsafeLoad(fromByteOffset: index, as: UInt8.self))
                }
            }
        }
        note(events, [], in: &told)
        return bytes
    }

    /// Feeds bytes in pieces of `step` and notes what was told.
    static func feed(
        _ bytes: [UInt8], to session: HTTP2Session, now: UInt64, step: Int = .max,
        _ told: inout Told
    ) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(step))
            rest = rest.dropFirst(piece.count)
            var events = HTTP2Events()
            session.receive(piece.span.bytes, now: now, into: &events)
            note(events, piece, in: &told)
        }
    }

    static func note(_ events: HTTP2Events, _ input: [UInt8], in told: inout Told) {
        for event in events.events {
            switch event {
            case .headers(let stream, let fields, let end):
                told.streams.append(stream)
                told.headers.append(
                    events.fields.fields[fields].map {
                        events.fields.text(in: $0.name) + "=" + events.fields.text(in: $0.value)
                    })
                told.ends += end ? 1 : 0
            case .data(_, let range, let end):
                told.body += input[range]
                told.ends += end ? 1 : 0
            case .closed(_, let code): told.closed.append(code)
            default: told.others.append(event)
            }
        }
    }

    /// Carries bytes both ways until nothing moves; `step` bytes at a time.
    func run(step: Int = .max) -> (client: Told, server: Told) {
        var told = (client: Told(), server: Told())
        while true {
            let toServer = Self.output(of: client, &told.client)
            Self.feed(toServer, to: server, now: now, step: step, &told.server)
            let toClient = Self.output(of: server, &told.server)
            Self.feed(toClient, to: client, now: now, step: step, &told.client)
            if toServer.isEmpty && toClient.isEmpty { return told }
        }
    }
}
