import HTTP2
import Testing

/// A server fed with frames made by hand: what a peer outside the rules may send.
final class RawPeer {
    let server: HTTP2Session
    var told = SessionPair.Told()
    var received: [UInt8] = []
    var now: UInt64 = 1

    init() throws {
        server = try #require(HTTP2Session(.server))
        send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(type: 4))
    }

    static func frame(type: UInt8, flags: UInt8 = 0, stream: Int = 0, _ body: [UInt8] = [])
        -> [UInt8]
    {
        let length = body.count
        return [
            UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags,
        ]
            + [24, 16, 8, 0].map { UInt8(stream >> $0 & 255) } + body
    }

    /// `:method POST, :scheme http, :path /, :authority a` without the dynamic table.
    static let request: [UInt8] = [0x83, 0x86, 0x84, 0x01, 0x01, 0x61]

    func send(_ bytes: [UInt8]) {
        SessionPair.feed(bytes, to: server, now: now, &told)
        received += SessionPair.output(of: server, &told)
    }

    /// Error code and debug data of each GOAWAY the server sent.
    var goAways: [(code: UInt8, reason: String)] {
        frames.filter { $0.type == 7 }.map {
            ($0.body[7], String(decoding: $0.body.dropFirst(8), as: UTF8.self))
        }
    }

    var frames: [(type: UInt8, stream: Int, body: [UInt8])] {
        var found: [(type: UInt8, stream: Int, body: [UInt8])] = []
        var rest = received[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            found.append((head[3], Int(head[8]), Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return found
    }
}

@Suite struct HTTP2HostilePeerTests {
    static let endStreamAndHeaders: UInt8 = 5
    static let endHeaders: UInt8 = 4

    @Test func `bytes that are not HTTP2 end the session`() throws {
        let session = try #require(HTTP2Session(.server))
        var told = SessionPair.Told()
        SessionPair.feed(Array("GET / HTTP/1.1\r\n\r\n".utf8), to: session, now: 1, &told)
        _ = SessionPair.output(of: session, &told)
        #expect(session.isFinished)
    }

    @Test func `a stream identifier below one seen is a connection error`() throws {
        let peer = try RawPeer()
        let flags = Self.endStreamAndHeaders
        peer.send(RawPeer.frame(type: 1, flags: flags, stream: 5, RawPeer.request))
        #expect(peer.told.streams.map(\.id) == [5])
        peer.send(RawPeer.frame(type: 1, flags: flags, stream: 3, RawPeer.request))
        #expect(peer.goAways.map(\.code).allSatisfy { $0 == 1 } && !peer.goAways.isEmpty)
        #expect(peer.server.isFinished)
    }

    @Test func `late trailers on a stream already answered are no connection error`() throws {
        let peer = try RawPeer()
        peer.send(RawPeer.frame(type: 1, flags: Self.endHeaders, stream: 1, RawPeer.request))
        peer.server.respondOnly(on: peer.told.streams[0], head: okHead)
        peer.send([])
        peer.send(RawPeer.frame(type: 1, flags: Self.endHeaders, stream: 3, RawPeer.request))
        peer.send(
            RawPeer.frame(type: 1, flags: Self.endStreamAndHeaders, stream: 1, RawPeer.request))
        #expect(peer.goAways.isEmpty)
        #expect(!peer.server.isFinished)
    }

    @Test func `pings within the budget are answered, a flood is told too_many_pings`() throws {
        let peer = try RawPeer()
        let ping = RawPeer.frame(type: 6, Array(repeating: 7, count: 8))
        for _ in 0..<60 { peer.send(ping) }
        #expect(peer.frames.filter { $0.type == 6 }.count == 60)
        #expect(peer.goAways.isEmpty)
        peer.now += 10_000_000_000
        for _ in 0..<60 { peer.send(ping) }
        #expect(peer.goAways.isEmpty)
        for _ in 0..<60 { peer.send(ping) }
        #expect(peer.goAways.first?.code == 11)
        #expect(peer.goAways.map(\.reason) == ["too_many_pings"])
        #expect(peer.frames.last?.type == 7)
        #expect(peer.server.isFinished)
    }

    @Test(arguments: [
        ("PING", UInt8(6), [UInt8](repeating: 7, count: 8)), ("WINDOW_UPDATE", 8, [0, 0, 0, 1]),
    ])
    func `frames of a quiet connection within their rate never end it`(
        name: String, type: UInt8, body: [UInt8]
    ) throws {
        let peer = try RawPeer()
        for _ in 0..<5_000 {
            peer.now += 101_000_000
            peer.send(RawPeer.frame(type: type, body))
        }
        #expect(peer.goAways.isEmpty && !peer.server.isFinished, "\(name)")
        // What time has earned is at most the budget once more: a flood after it is ended too.
        for _ in 0..<8_300 { peer.send(RawPeer.frame(type: type, body)) }
        #expect(peer.goAways.map(\.code) == [11])
    }

    @Test func `a ping for every answer is no flood`() throws {
        let peer = try RawPeer()
        let ping = RawPeer.frame(type: 6, Array(repeating: 7, count: 8))
        for call in 0..<1_000 {
            peer.send(
                RawPeer.frame(
                    type: 1, flags: Self.endStreamAndHeaders, stream: 2 * call + 1,
                    RawPeer.request))
            peer.server.respondOnly(on: peer.told.streams[call], head: okHead)
            peer.send([])
            peer.send(ping)
        }
        #expect(peer.goAways.isEmpty && peer.frames.count(where: { $0.type == 6 }) == 1_000)
        // What was given back is not saved up.
        for _ in 0..<65 { peer.send(ping) }
        #expect(peer.goAways.first?.reason == "too_many_pings")
    }

    @Test(arguments: [
        ("empty DATA", UInt8(0), 1, [UInt8]()), ("PRIORITY", 2, 1, [0, 0, 0, 0, 1]),
        ("WINDOW_UPDATE", 8, 0, [0, 0, 0, 1]), ("an unknown type", 0x42, 0, [1, 2, 3]),
    ])
    func `a flood of frames without progress is ended`(
        name: String, type: UInt8, stream: Int, body: [UInt8]
    ) throws {
        let peer = try RawPeer()
        peer.send(RawPeer.frame(type: 1, flags: Self.endHeaders, stream: 1, RawPeer.request))
        let frame = RawPeer.frame(type: type, stream: stream, body)
        for _ in 0..<4_000 { peer.send(frame) }
        #expect(peer.goAways.isEmpty)
        for _ in 0..<200 { peer.send(frame) }
        #expect(peer.goAways.first?.code == 11, "\(name)")
        #expect(peer.server.isFinished)
    }

    /// What makes the server reset a stream.
    enum Fault: CaseIterable {
        /// A window update that overflows the stream's window: nghttp2 finds that itself.
        case window
        /// Headers far over the limit: found here, and charged when the stream closes.
        case headers

        func frames(stream: Int) -> [UInt8] {
            switch self {
            case .window:
                RawPeer.frame(type: 1, flags: 4, stream: stream, RawPeer.request)
                    + RawPeer.frame(type: 8, stream: stream, [0x7F, 0xFF, 0xFF, 0xFF])
            case .headers:
                RawPeer.frame(type: 1, flags: 4, stream: stream, RawPeer.request + Self.bomb)
            }
        }

        /// A field `a` with a value of 3,000 bytes that goes into the table, and 30 times that entry.
        private static let bomb: [UInt8] =
            [0x40, 0x01, 0x61, 0x7F, 0xB9, 0x16] + [UInt8](repeating: 0x62, count: 3_000)
            + [UInt8](repeating: 0xBE, count: 30)
    }

    /// Those of one read may be found too many while the resets go out.
    @Test(arguments: Fault.allCases, [true, false])
    func `streams that the server must reset again and again are ended`(
        fault: Fault, inOneRead: Bool
    ) throws {
        let peer = try RawPeer()
        let frames = (0..<100).map { fault.frames(stream: $0 * 2 + 1) }
        if inOneRead { peer.send(Array(frames.joined())) } else { frames.forEach(peer.send) }
        // Each is charged once, wherever it is found: these are the burst.
        #expect(peer.told.closed.count == 100)
        #expect(peer.goAways.isEmpty && !peer.server.isFinished)
        peer.send(fault.frames(stream: 201))
        #expect(peer.goAways.first?.code == 11)
        #expect(peer.goAways.first?.reason == "too_many_stream_errors")
        #expect(peer.server.isFinished)
    }

    @Test func `rapid resets by the client are ended`() throws {
        let peer = try RawPeer()
        resetStreams(0..<2_500, peer)
        #expect(peer.goAways.first?.code == 11)
        #expect(peer.goAways.first?.reason == "too_many_resets")
        #expect(peer.server.isFinished)
    }

    /// 128 calls in flight and some hundreds that wait for their places, all past their deadlines.
    @Test func `a client whose calls all pass their deadlines at once is served on`() throws {
        let peer = try RawPeer()
        resetStreams(0..<1_500, peer)
        peer.now += 1_000_000_000
        resetStreams(1_500..<2_500, peer)
        #expect(peer.goAways.isEmpty)
        #expect(!peer.server.isFinished)
    }

    private func resetStreams(_ indices: Range<Int>, _ peer: RawPeer) {
        for index in indices {
            let id = index * 2 + 1
            peer.send(
                RawPeer.frame(type: 1, flags: Self.endHeaders, stream: id, RawPeer.request)
                    + RawPeer.frame(type: 3, stream: id, [0, 0, 0, 8]))
        }
    }

    @Test func `a flood of CONTINUATION frames is ended with a GOAWAY`() throws {
        let peer = try RawPeer()
        peer.send(RawPeer.frame(type: 1, stream: 1, RawPeer.request))
        for _ in 0..<20 { peer.send(RawPeer.frame(type: 9, stream: 1, [0x84])) }
        #expect(!peer.goAways.isEmpty)
        #expect(peer.server.isFinished)
    }

    @Test func `more streams than announced are refused`() throws {
        let peer = try RawPeer()
        peer.send(RawPeer.frame(type: 4, flags: 1))  // SETTINGS ACK: the limit binds from here.
        for index in 0..<130 {
            peer.send(
                RawPeer.frame(
                    type: 1, flags: Self.endHeaders, stream: index * 2 + 1, RawPeer.request))
        }
        #expect(peer.told.streams.count == 128)
    }

    @Test func `streams over a limit that the peer has not seen cost it no others`() throws {
        let peer = try RawPeer()
        for index in 0..<300 {
            peer.send(
                RawPeer.frame(
                    type: 1, flags: Self.endHeaders, stream: index * 2 + 1, RawPeer.request))
        }
        #expect(peer.told.streams.count == 128)
        #expect(peer.goAways.isEmpty && !peer.server.isFinished)
        #expect(peer.frames.count { $0.type == 3 && $0.body == [0, 0, 0, 7] } == 172)
    }

    @Test(arguments: 0..<40)
    func `random bytes after the preface never trap`(seed: UInt64) throws {
        let peer = try RawPeer()
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        for _ in 0..<50 {
            var body: [UInt8] = []
            for _ in 0..<Int(state % 40) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                body.append(UInt8(truncatingIfNeeded: state >> 33))
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let type = UInt8(state >> 40 & 15) % 11
            peer.send(
                RawPeer.frame(
                    type: type, flags: UInt8(state >> 50 & 0x2D), stream: Int(state >> 58 & 7), body
                ))
        }
        #expect(peer.frames.first?.type == 4, "seed \(seed)")
    }
}
