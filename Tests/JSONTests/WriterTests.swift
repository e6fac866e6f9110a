import JSON
import Testing

@Suite struct WriterTests {
    private func text(_ layout: JSONWriter.Layout = .compact, _ fill: (inout JSONWriter) -> Void)
        -> String
    {
        var writer = JSONWriter(layout: layout)
        fill(&writer)
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private func fillSample(_ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.integer(1)
        writer.null()
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.key("b")
        writer.bool(true)
        writer.key("c")
        writer.beginArray()
        writer.endArray()
        writer.endObject()
    }

    @Test func `commas and colons come by themselves`() {
        #expect(text(.compact, fillSample) == #"{"a":[1,null,{}],"b":true,"c":[]}"#)
    }

    @Test func `the indented layout has one value a line and no space in empty containers`() {
        let expected = """
            {
              "a": [
                1,
                null,
                {}
              ],
              "b": true,
              "c": []
            }
            """
        #expect(text(.indented, fillSample) == expected)
    }

    @Test func `strings escape quotes, backslashes and control characters only`() throws {
        let all =
            String(String.UnicodeScalarView((0..<UInt8(0x80)).map { UnicodeScalar($0) })) + "é😀"
        let written = text { $0.string(all) }
        #expect(written.contains(#"\u0000\u0001"#))
        #expect(written.contains(#"\b\t\n\u000b\f\r\u000e"#))
        #expect(written.contains(##" !\"#$%"##))
        #expect(written.contains(#"[\\]"#))
        #expect(written.hasSuffix("\u{7F}é😀\""))
        #expect(try JSONDocument(parsing: written).root.string == all)
    }

    @Test(
        arguments: [
            (0.0, "0"), (-0.0, "0"), (1, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (100, "100"),
            (1e20, "100000000000000000000"), (1e21, "1e+21"),
            (123_456_789_012_345_683_968, "123456789012345680000"),
            (1.5e300, "1.5e+300"), (0.000001, "0.000001"), (0.0000001, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (333333333.33333329, "333333333.3333333"), (9007199254740992, "9007199254740992"),
            (Double.leastNonzeroMagnitude, "5e-324"),
            (Double.greatestFiniteMagnitude, "1.7976931348623157e+308"),
            (Double.nan, "null"), (-Double.infinity, "null"),
        ] as [(Double, String)])
    func `a double is written shortest, in the notation of RFC 8785`(value: Double, written: String)
    {
        #expect(text { $0.double(value) } == written)
    }

    @Test func `every written double reads back as itself`() throws {
        var random = SplitMix64(seed: 20_250_629)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let read = try JSONDocument(parsing: text { $0.double(value) }).root.double
            #expect(read == value)
        }
    }

    @Test func `integers of all widths are written with all digits`() {
        #expect(text { $0.integer(UInt64.max) } == "18446744073709551615")
        #expect(text { $0.integer(Int64.min) } == "-9223372036854775808")
        #expect(text { $0.integer(UInt8(7)) } == "7")
    }

    @Test func `a value of another document is copied as it stands`() throws {
        let other = try JSONDocument(parsing: #"{"x": [1.50, "\u0041"]}"#).root
        let copied = text { writer in
            writer.beginArray()
            writer.value(other["x"]!)
            writer.value(other["x"]![0]!)
            writer.endArray()
        }
        #expect(copied == #"[[1.50, "\u0041"],1.50]"#)
    }
}

@Suite struct CanonicalTests {
    @Test(arguments: [
        (#" { "b" : 1 , "a" : [ true , null ] } "#, #"{"a":[true,null],"b":1}"#),
        (#"{"a":1,"a":2}"#, #"{"a":2}"#),
        (#"[1.0,1e2,-0,-0.0,0.10,1E-7,1e21]"#, #"[1,100,0,0,0.1,1e-7,1e+21]"#),
        (#"[9007199254740993,18446744073709551615]"#, #"[9007199254740993,18446744073709551615]"#),
        (#"[1e400,-1e400]"#, #"[1e400,-1e400]"#),
        (#""\u0041\/\u00e9\u000a""#, #""A/é\n""#),
    ])
    func `texts that mean the same have one canonical form`(text: String, canonical: String) throws
    {
        let bytes = try JSONDocument(parsing: text).root.canonicalBytes
        #expect(String(decoding: bytes, as: UTF8.self) == canonical)
    }

    /// The sorting example of RFC 8785 section 3.2.3.
    @Test func `members are sorted by UTF-16 code units`() throws {
        let text = #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin"}
            """#
        let canonical = try JSONDocument(parsing: text).root.canonicalBytes
        let values = try JSONDocument(parsing: canonical).root.members.map { $0.value.string ?? "" }
        #expect(
            values == [
                "Carriage Return", "One", "Control", "Latin", "Euro Sign", "Emoji: Grinning Face",
                "Hebrew Letter Dalet With Dagesh",
            ])
    }

    @Test func `names that only look alike stay apart`() throws {
        let document = try JSONDocument(parsing: "{\"e\\u0301\":1,\"\\u00e9\":2}")
        #expect(try JSONDocument(parsing: document.root.canonicalBytes).root.count == 2)
    }

    @Test func `formatting keeps order, repeated names and the text of numbers`() throws {
        let root = try JSONDocument(parsing: #"{ "b": 1.50, "a": [ ], "b": "\u0041" }"#).root
        #expect(
            String(decoding: root.formatted(.compact), as: UTF8.self)
                == #"{"b":1.50,"a":[],"b":"\u0041"}"#)
    }
}

/// A small seeded generator (Steele, Lea, Flood 2014): the same numbers everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
