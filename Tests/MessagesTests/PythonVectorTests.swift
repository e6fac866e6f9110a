import InteropMessages
import Messages
import Testing

/// The codecs against Python protobuf, which shares nothing with them.
struct PythonVectorTests {
    /// What a message becomes after one reading and writing.
    typealias RoundTrip = @Sendable ([UInt8]) throws -> [UInt8]

    static func roundTrip<Message: WireMessage>(_ type: Message.Type) -> RoundTrip {
        { try Message.decoded(from: $0).encoded() }
    }

    static let written: [(String, RoundTrip)] = [
        ("singularExtremes", roundTrip(Every.Singular.self)),
        ("singularUnknownEnum", roundTrip(Every.Singular.self)),
        ("repeatedFull", roundTrip(Every.Repeated.self)),
        ("choiceNumber", roundTrip(Every.Choice.self)),
        ("choiceText", roundTrip(Every.Choice.self)),
        ("choiceData", roundTrip(Every.Choice.self)),
        ("choiceTree", roundTrip(Every.Choice.self)),
        ("choiceColour", roundTrip(Every.Choice.self)),
        ("choiceFlag", roundTrip(Every.Choice.self)),
        ("choiceReal", roundTrip(Every.Choice.self)),
        ("choiceInner", roundTrip(Every.Choice.self)),
        ("choiceBoth", roundTrip(Every.Choice.self)),
        ("nested100", roundTrip(Every.Node.self)),
    ]

    @Test(arguments: written.map(\.0))
    func `what Python wrote comes back byte for byte`(name: String) throws {
        let bytes = try WireBytes.vector(name)
        let roundTrip = try #require(Self.written.first { $0.0 == name }).1
        #expect(try roundTrip(bytes) == bytes)
    }

    static let handMade: [(String, RoundTrip)] = [
        ("lastScalarWins", roundTrip(Every.Singular.self)),
        ("lastStringWins", roundTrip(Every.Singular.self)),
        ("lastCaseWins", roundTrip(Every.Choice.self)),
        ("messagesMerge", roundTrip(Every.Singular.self)),
        ("choiceMerges", roundTrip(Every.Choice.self)),
        ("choiceInterrupted", roundTrip(Every.Choice.self)),
        ("choiceInBothOneofs", roundTrip(Every.Choice.self)),
        ("mergeInsideMerge", roundTrip(Every.Node.self)),
        ("packedAsUnpacked", roundTrip(Every.Repeated.self)),
        ("unpackedAsPacked", roundTrip(Every.Repeated.self)),
        ("packedInTwoParts", roundTrip(Every.Repeated.self)),
        ("packedBoolsOddly", roundTrip(Every.Repeated.self)),
        ("boolOfTwo", roundTrip(Every.Singular.self)),
        ("wideInt32", roundTrip(Every.Singular.self)),
        ("overlongVarint", roundTrip(Every.Singular.self)),
        ("unknownFields", roundTrip(Every.Singular.self)),
        ("foreignWireTypes", roundTrip(Every.Singular.self)),
        ("foreignWireTypesInside", roundTrip(Every.Singular.self)),
    ]

    @Test(arguments: handMade.map(\.0))
    func `bytes no writer makes are read as Python reads them`(name: String) throws {
        let bytes = try WireBytes.vector(name)
        let reading = WireBytes.hex(try #require(PythonVectors.reading[name]))
        let roundTrip = try #require(Self.handMade.first { $0.0 == name }).1
        // Python writes in the order of the field numbers, and so do we.
        #expect(try roundTrip(bytes) == reading)
    }

    @Test func `every scalar has the value Python wrote`() throws {
        let message = try Every.Singular.decoded(from: WireBytes.vector("singularExtremes"))
        let expected = Every.Singular(
            int32Field: .min, int64Field: .min, uint32Field: .max, uint64Field: .max,
            sint32Field: .min, sint64Field: .min, fixed32Field: .max, fixed64Field: .max,
            sfixed32Field: .min, sfixed64Field: .min, floatField: .greatestFiniteMagnitude,
            doubleField: -.greatestFiniteMagnitude, boolField: true,
            stringField: "ascii \u{E9}\u{4E16}\u{1F600}", bytesField: [UInt8](0...255),
            colour: .darkBlue, sign: .minus,
            node: Every.Node(value: 1, child: Every.Node(value: 2)),
            at: GoogleProtobuf.Timestamp(seconds: 1_751_209_200, nanos: 999_999_999),
            default: true, class: true, selfValue: "me", requestID: "r-1")
        #expect(message == expected)
    }

    @Test func `every list has the values Python wrote`() throws {
        let message = try Every.Repeated.decoded(from: WireBytes.vector("repeatedFull"))
        let expected = Every.Repeated(
            int32Field: [0, 1, -1, .max, .min], int64Field: [0, -1, .max], uint32Field: [0, .max],
            uint64Field: [0, .max], sint32Field: [0, -1, 1, .min], sint64Field: [0, -1, 1, .min],
            fixed32Field: [0, 1, .max], fixed64Field: [0, 1, .max], sfixed32Field: [0, -1],
            sfixed64Field: [0, -1], floatField: [0, 1.5, -2.25], doubleField: [0, 1e300],
            boolField: [true, false, true], stringField: ["", "a", "\u{E9}"],
            bytesField: [[], [0, 255]], colour: [.unspecified, .red, .darkBlue, .unrecognized(42)],
            sign: [.unspecified, .minus], node: [Every.Node(), Every.Node(value: 5)],
            unpacked: [3, 0, -3])
        #expect(message == expected)
    }

    @Test func `every map has the pairs Python wrote`() throws {
        let message = try Every.Maps.decoded(from: WireBytes.vector("maps"))
        let expected = Every.Maps(
            text: ["a": "1", "b": "", "": "empty"],
            nodes: [-1: Every.Node(value: 7), 5: Every.Node()],
            flags: [true: 1.5, false: 0], colours: [.max: .red], blobs: [-5: [0], 5: []])
        #expect(message == expected)
        #expect(try Every.Maps.decoded(from: message.encoded()) == expected)
    }

    @Test func `the last pair of a key wins`() throws {
        let message = try Every.Maps.decoded(from: WireBytes.vector("lastKeyWins"))
        let reading = WireBytes.hex(try #require(PythonVectors.reading["lastKeyWins"]))
        #expect(message.text == ["k": "3", "j": "2"])
        #expect(message.text.count == 2)
        #expect(message == (try Every.Maps.decoded(from: reading)))
    }

    @Test func `a pair without key or value has the default there`() throws {
        let keyless = try Every.Maps.decoded(from: WireBytes.vector("mapEntryWithoutKey"))
        #expect(keyless.text == ["": "v"])
        let valueless = try Every.Maps.decoded(from: WireBytes.vector("mapEntryWithoutValue"))
        #expect(valueless.nodes == [4: Every.Node()])
    }

    @Test(arguments: [
        ("choiceNumber", Every.Choice.Node.number(0)), ("choiceText", .text("")),
        ("choiceData", .data([1])), ("choiceTree", .tree(Every.Node(side: .leaf("x")))),
        ("choiceColour", .colour(.darkBlue)), ("choiceFlag", .flag(false)),
        ("choiceReal", .real(0)),
        ("choiceInner", .inner(.init(deeper: .init(mood: .mood2Plus2), name: "n"))),
    ])
    func `a oneof has the case Python wrote`(name: String, node: Every.Choice.Node) throws {
        #expect(try Every.Choice.decoded(from: WireBytes.vector(name)).node == node)
    }
}
