import JSON
import Testing

@Suite struct ViewTests {
    @Test func `members and elements are found and walked in the order of the text`() throws {
        let root = try JSONDocument(
            parsing: #" {"b": [10, {"x": null}, "s"], "a": true, "": -1.5} "#
        ).root
        #expect(root.kind == .object && root.count == 3)
        #expect(root.members.map(\.name) == ["b", "a", ""])
        #expect(root["a"]?.bool == true)
        #expect(root[""]?.double == -1.5)
        #expect(root["c"] == nil)
        let array = try #require(root["b"])
        #expect(array.count == 3)
        #expect(array.elements.map(\.rawText) == ["10", #"{"x": null}"#, #""s""#])
        #expect(array[0]?.int64 == 10)
        #expect(array[1]?["x"]?.isNull == true)
        #expect(array[2]?.string == "s")
        #expect(array[3] == nil && array[-1] == nil)
    }

    @Test func `accessors of another kind answer nil and nothing is converted`() throws {
        let root = try JSONDocument(parsing: #"["1", 1, true, null, [], {}]"#).root
        let views = Array(root.elements)
        #expect(views.map(\.kind) == [.string, .number, .bool, .null, .array, .object])
        #expect(views.map { $0.string != nil } == [true, false, false, false, false, false])
        #expect(views.map { $0.int64 != nil } == [false, true, false, false, false, false])
        #expect(views.map { $0.uint64 != nil } == [false, true, false, false, false, false])
        #expect(views.map { $0.double != nil } == [false, true, false, false, false, false])
        #expect(views.map { $0.numberText != nil } == [false, true, false, false, false, false])
        #expect(views.map { $0.bool != nil } == [false, false, true, false, false, false])
        #expect(views.allSatisfy { $0["a"] == nil && $0[0] == nil })
        #expect(views.allSatisfy { Array($0.elements).isEmpty && Array($0.members).isEmpty })
    }

    @Test func `a repeated name is looked up as its last member and iterated as all`() throws {
        let root = try JSONDocument(parsing: #"{"a":1,"b":2,"\u0061":3}"#).root
        #expect(root["a"]?.int64 == 3)
        #expect(root.count == 3)
        #expect(root.members.map(\.name) == ["a", "b", "a"])
    }

    @Test(arguments: [
        (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud83d\ude00!""#, "😀!"), (#""a\u0000b""#, "a\u{0}b"),
        (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""é€😀""#, "é€😀"), (#""\\u0041""#, "\\u0041"),
    ])
    func `a string reads as its characters`(text: String, string: String) throws {
        let read = try #require(try JSONDocument(parsing: text).root.string)
        #expect(Array(read.utf8) == Array(string.utf8))
    }

    @Test func `names written with escapes are found`() throws {
        let root = try JSONDocument(parsing: #"{"caf\u00e9":1,"line\n":2,"cafe":3}"#).root
        #expect(root["café"]?.int64 == 1)
        #expect(root["line\n"]?.int64 == 2)
        // Names are compared byte for byte: the decomposed form is another name.
        #expect(root["cafe\u{301}"] == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("12", 12), ("12.0", 12), ("1.2e1", 12), ("120e-1", 12),
            ("0.0e99", 0),
            ("9223372036854775807", Int64.max), ("-9223372036854775808", .min),
            ("9007199254740993", 9_007_199_254_740_993), ("9.223372036854775807e18", .max),
            ("0.00012e5", 12), ("9223372036854775808", nil), ("-9223372036854775809", nil),
            ("1.5", nil), ("1e-1", nil), ("1e19", nil), ("1e99999999999999999999", nil),
            ("100000000000000000000", nil), ("1e-99999999999999999999", nil),
        ] as [(String, Int64?)])
    func `an integer is read exactly or not at all`(text: String, value: Int64?) throws {
        #expect(try JSONDocument(parsing: text).root.int64 == value)
    }

    @Test(
        arguments: [
            ("18446744073709551615", UInt64.max), ("1.8446744073709551615e19", .max), ("-0", 0),
            ("18446744073709551616", nil), ("-1", nil), ("99999999999999999999", nil), ("0.1", nil),
        ] as [(String, UInt64?)])
    func `an unsigned integer is read exactly or not at all`(text: String, value: UInt64?) throws {
        #expect(try JSONDocument(parsing: text).root.uint64 == value)
    }

    @Test(
        arguments: [
            ("0.1", 0.1), ("-0.0", -0.0), ("1e308", 1e308),
            ("5e-324", Double.leastNonzeroMagnitude), ("1e-400", 0),
            ("1.7976931348623157e308", Double.greatestFiniteMagnitude), ("1e309", nil),
            ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
            ("123456789012345678", 123_456_789_012_345_680),
        ] as [(String, Double?)])
    func `a double is the nearest one, and nil beyond the finite range`(
        text: String, value: Double?
    ) throws {
        let read = try JSONDocument(parsing: text).root.double
        #expect(read?.bitPattern == value?.bitPattern)
    }

    @Test func `raw bytes are a value's own text`() throws {
        let root = try JSONDocument(parsing: "{ \"a\" : [ 1 , 2 ] , \"b\":\"x\" }").root
        #expect(root["a"].map { String(decoding: $0.rawBytes, as: UTF8.self) } == "[ 1 , 2 ]")
        #expect(root["b"]?.rawText == "\"x\"")
    }
}
