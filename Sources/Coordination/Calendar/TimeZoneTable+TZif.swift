extension TimeZoneTable {
    /// Reads the content of a file of the IANA database in TZif format (RFC 8536), version 2 or
    /// later. The rule in its footer is spelled out as transitions up to the year 2100.
    ///
    /// - Throws: ``CodecError`` when the bytes are no such file.
    public init(name: String, tzif bytes: [UInt8]) throws(CodecError) {
        var reader = TZifReader(bytes)
        let (first, transitions, footer) = try reader.read()
        guard let rule = footer.isEmpty ? nil : PosixZoneRule(footer) else {
            guard footer.isEmpty else {
                throw CodecError("its rule \"\(footer)\" cannot be read", at: 0)
            }
            self.init(name: name, firstOffset: first, transitions: transitions)
            return
        }
        let last = transitions.last?.at ?? 0
        let year = CalendarDay(daysSinceEpoch: Int(floorDiv(last, 86_400))).year
        // A damaged file may end in any year: a rule is spelled out for three centuries at the most.
        let later = (max(1_800, min(year, 2_100))...2_100).flatMap { rule.transitions(in: $0) }
            .filter { $0.at > last }.sorted { $0.at < $1.at }
        // A rule that begins before its first change of the clock settles the offset at once.
        self.init(name: name, firstOffset: first, transitions: transitions + later)
    }
}

/// Reads a TZif file: a header and block of 32-bit times, which is skipped, then the same with
/// 64-bit times, then the footer.
private struct TZifReader {
    private let bytes: [UInt8]
    private var position = 0

    private struct Header {
        var utIndicators, standardIndicators, leaps, times, types, characters: Int
    }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() throws(CodecError) -> (
        first: Int32, transitions: [TimeZoneTable.Transition], footer: String
    ) {
        let old = try header()
        try skip(
            old.times * 5 + old.types * 6 + old.characters + old.leaps * 8
                + old.standardIndicators + old.utIndicators)
        let header = try header()
        guard header.types > 0 else { throw failure("it has no offsets") }
        var times: [Int64] = []
        for _ in 0..<header.times { times.append(Int64(bitPattern: try number(8))) }
        var indices: [Int] = []
        for _ in 0..<header.times { indices.append(Int(try number(1))) }
        var offsets: [Int32] = []
        for _ in 0..<header.types {
            offsets.append(Int32(truncatingIfNeeded: try number(4)))
            try skip(2)
        }
        try skip(
            header.characters + header.leaps * 12 + header.standardIndicators
                + header.utIndicators)
        guard indices.allSatisfy({ $0 < offsets.count }) else {
            throw failure("a transition has no offset")
        }
        guard offsets.allSatisfy({ abs($0) <= 26 * 3_600 }) else {
            throw failure("an offset is more than 26 hours")
        }
        let transitions = zip(times, indices).map {
            TimeZoneTable.Transition(at: $0, offset: offsets[$1])
        }
        return (offsets[0], transitions, footer())
    }

    private mutating func header() throws(CodecError) -> Header {
        guard try number(4) == 0x545A_6966 else { throw failure("it is no TZif file") }
        guard try number(1) >= UInt64(UInt8(ascii: "2")) else {
            throw failure("it has no 64-bit times")
        }
        try skip(15)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(Int(try number(4))) }
        guard counts.allSatisfy({ $0 <= bytes.count }) else { throw failure("it ends too early") }
        return Header(
            utIndicators: counts[0], standardIndicators: counts[1], leaps: counts[2],
            times: counts[3], types: counts[4], characters: counts[5])
    }

    private func footer() -> String {
        String(decoding: bytes[position...].filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private mutating func number(_ width: Int) throws(CodecError) -> UInt64 {
        try skip(width)
        return bytes[position - width..<position].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func skip(_ count: Int) throws(CodecError) {
        guard count <= bytes.count - position else { throw failure("it ends too early") }
        position += count
    }

    private func failure(_ problem: String) -> CodecError { CodecError(problem, at: position) }
}
