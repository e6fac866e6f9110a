import Testing

@testable import GRPC

/// What a machine gave out, with ranges turned into bytes.
enum Out: Equatable {
    case message([UInt8])
    case halfClosed
    case rejected(GRPCStatusCode)
}

/// A length-prefixed message.
func onWire(_ message: [UInt8], flag: UInt8 = 0, claims length: Int? = nil) -> [UInt8] {
    let length = length ?? message.count
    return [
        flag, UInt8(length >> 24 & 255), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255),
        UInt8(length & 255),
    ] + message
}

/// Feeds `body` in pieces of `step`; END_STREAM comes with the last piece, or alone.
func run(
    _ kind: MethodKind, _ body: [UInt8], step: Int, endAlone: Bool = false, ends: Bool = true,
    limit: Int = 1_000
) -> [Out] {
    var machine = ServerCallMachine(kind: kind, maxMessageBytes: limit)
    var pieces: [[UInt8]] = []
    var rest = body[...]
    while !rest.isEmpty {
        pieces.append(Array(rest.prefix(step)))
        rest = rest.dropFirst(step)
    }
    if endAlone || pieces.isEmpty { pieces.append([]) }
    var out: [Out] = []
    for (index, piece) in pieces.enumerated() {
        let isLast = ends && index == pieces.count - 1
        var offset = 0
        reading: while true {
            switch machine.next(in: piece.span.bytes, at: &offset, isLast: isLast) {
            case .message(let range): out.append(.message(Array(piece[range])))
            case .collected(let message): out.append(.message(message))
            case .needsMore: break reading
            case .halfClosed:
                out.append(.halfClosed)
                break reading
            case .reject(let status): return out + [.rejected(status.code)]
            }
        }
    }
    return out
}

@Suite struct FramingTests {
    static let steps = [1, 2, 3, 4, 5, 6, 7, 64, 4_096]

    @Test(arguments: steps, [false, true])
    func `a stream of messages comes out whole however it is cut`(step: Int, endAlone: Bool) {
        let messages: [[UInt8]] = [[1, 2, 3], [], [4], Array(repeating: 9, count: 100), []]
        let body = messages.flatMap { onWire($0) }
        #expect(
            run(.bidirectional, body, step: step, endAlone: endAlone)
                == messages.map { .message($0) } + [.halfClosed])
    }

    @Test(arguments: steps, [false, true])
    func `a unary request is given out once, at its end`(step: Int, endAlone: Bool) {
        for message in [[], [7], Array(repeating: 8, count: 200)] as [[UInt8]] {
            #expect(
                run(.unary, onWire(message), step: step, endAlone: endAlone) == [.message(message)])
            #expect(run(.unary, onWire(message), step: step, ends: false) == [])
        }
    }

    /// Body, kind, and what must come of it (gRPC over HTTP/2; the codes of rpc.md section 1).
    static let wrong: [(String, MethodKind, [UInt8], [Out])] = [
        ("unary without a message", .unary, [], [.rejected(.unimplemented)]),
        ("unary with two", .unary, onWire([1]) + onWire([2]), [.rejected(.unimplemented)]),
        ("server streaming with none", .serverStreaming, [], [.rejected(.unimplemented)]),
        ("prefix cut off", .unary, [0, 0, 0], [.rejected(.internalError)]),
        (
            "body cut off", .bidirectional, onWire([1]) + onWire([1, 2], claims: 3),
            [.message([1]), .rejected(.internalError)]
        ),
        ("second prefix cut off", .unary, onWire([1]) + [0, 0], [.rejected(.internalError)]),
        ("flag 1 without an encoding", .unary, onWire([1], flag: 1), [.rejected(.internalError)]),
        ("flag 2", .bidirectional, onWire([1], flag: 2), [.rejected(.internalError)]),
        ("flag 255", .unary, onWire([], flag: 255), [.rejected(.internalError)]),
        (
            "over the limit, by the prefix alone", .unary, onWire([], claims: 1_001),
            [.rejected(.resourceExhausted)]
        ),
        (
            "4 GiB claimed", .bidirectional, onWire([], claims: 0xFFFF_FFFF),
            [.rejected(.resourceExhausted)]
        ),
    ]

    @Test(arguments: wrong.indices, [1, 3, 4_096])
    func `a wrong body is refused with the right code`(row: Int, step: Int) {
        let (name, kind, body, expected) = Self.wrong[row]
        #expect(run(kind, body, step: step) == expected, "\(name)")
    }

    @Test func `the limit itself is allowed`() {
        let message = [UInt8](repeating: 1, count: 1_000)
        #expect(run(.unary, onWire(message), step: 300) == [.message(message)])
    }

    @Test func `an empty client stream half-closes without a message`() {
        #expect(run(.clientStreaming, [], step: 1) == [.halfClosed])
    }

    @Test func `nothing comes out after the end`() {
        var machine = ServerCallMachine(kind: .bidirectional, maxMessageBytes: 10)
        machine.ended()
        let body = onWire([1])
        var offset = 0
        #expect(machine.next(in: body.span.bytes, at: &offset, isLast: true) == .needsMore)
    }
}
