/// A 64-bit fingerprint that is the same in every process, for telling a repeated request from a
/// changed one. Not secret and not collision-proof against an adversary.
public struct StableHash: Sendable {
    private var state: UInt64

    /// Begins a fingerprint.
    public init(seed: UInt64 = 0) { state = seed ^ 0x9e37_79b9_7f4a_7c15 }

    /// Adds bytes together with their number, so that neighbouring fields cannot run together.
    public mutating func combine(_ bytes: [UInt8]) {
        combine(UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            var word: UInt64 = 0
            for offset in 0..<8 { word |= UInt64(bytes[index + offset]) << UInt64(offset * 8) }
            combine(word)
            index += 8
        }
        var tail: UInt64 = 0
        while index < bytes.count {
            tail = tail << 8 | UInt64(bytes[index])
            index += 1
        }
        combine(tail)
    }

    /// Adds a string by its UTF-8 bytes.
    public mutating func combine(_ text: String) { combine(Array(text.utf8)) }

    /// Adds a word.
    public mutating func combine(_ word: UInt64) { state = Self.mix(state ^ word) }

    /// The fingerprint of what was added.
    public var value: UInt64 { Self.mix(state) }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every other.
    public static func mix(_ value: UInt64) -> UInt64 {
        var word = value &+ 0x9e37_79b9_7f4a_7c15
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
