/// SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") of a number and the bytes of a
/// text, under a key: who does not know it cannot choose texts that meet.
///
/// Swift's `Hasher` is the same function, but takes texts that look alike for one, so that it would have
/// to be given the bytes as well, and is not compiled into its callers: it costs twice as much.
struct KeyedHash {
    private let key: (UInt64, UInt64)

    /// Under a key that chance chose when the process began.
    static let ofProcess = KeyedHash(
        .random(in: UInt64.min...UInt64.max), .random(in: UInt64.min...UInt64.max))

    init(_ first: UInt64, _ second: UInt64) { key = (first, second) }

    /// The hash of the number's eight bytes, lowest first, and those of the text.
    func callAsFunction(_ number: UInt64, _ text: String) -> UInt64 {
        let bytes = text.utf8Span.span
        var state = State(key)
        state.take(number)
        var place = 0
        while bytes.count &- place >= 8 {
            state.take(Self.word(bytes.extracting(place..<place &+ 8)))
            place &+= 8
        }
        let rest = Self.rest(bytes.extracting(place...))
        state.take(rest | UInt64(truncatingIfNeeded: bytes.count &+ 8) << 56)
        return state.end()
    }

    /// Eight bytes, lowest first. Written so that the compiler sees one load in it.
    @inline(__always)
    private static func word(_ bytes: Span<UInt8>) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 {
            word |= UInt64(bytes[index]) &<< UInt64(truncatingIfNeeded: index &* 8)
        }
        return word
    }

    /// Fewer than eight bytes, lowest first.
    @inline(__always)
    private static func rest(_ bytes: Span<UInt8>) -> UInt64 {
        var word: UInt64 = 0
        for index in bytes.indices.reversed() { word = word &<< 8 | UInt64(bytes[index]) }
        return word
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        @inline(__always)
        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func take(_ word: UInt64) {
            v3 ^= word
            round()
            v0 ^= word
        }

        @inline(__always)
        mutating func end() -> UInt64 {
            v2 ^= 0xFF
            for _ in 0..<3 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        @inline(__always)
        private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
            value &<< bits | value &>> (64 &- bits)
        }
    }
}
