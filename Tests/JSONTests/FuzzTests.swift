import JSON
import Testing

/// Random JSON texts, all from a seed.
struct RandomText {
    private(set) var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    mutating func value(depth: Int = 0) -> String {
        switch below(depth > 5 ? 6 : 8) {
        case 0: return ["null", "true", "false"][below(3)]
        case 1, 2: return number()
        case 3, 4, 5: return string()
        case 6:
            let elements = (0..<below(5)).map { _ in space() + value(depth: depth + 1) + space() }
            return "[" + elements.joined(separator: ",") + "]"
        default:
            let members = (0..<below(5)).map { _ in
                space() + string() + space() + ":" + value(depth: depth + 1) + space()
            }
            return "{" + members.joined(separator: ",") + "}"
        }
    }

    private mutating func space() -> String {
        ["", "", "", " ", "\n", "\t", "\r\n  "][below(7)]
    }

    private mutating func number() -> String {
        var text = below(2) == 0 ? "-" : ""
        text += ["0", "\(below(10) + 1)", "\(random.next() >> 12)", "\(random.next())"][below(4)]
        if below(2) == 0 { text += ".\(below(1000))" }
        if below(3) == 0 { text += ["e", "E", "e+", "E-"][below(4)] + "\(below(40))" }
        return text
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "Z", "é", "€", "😀", " ", "/", "\u{7F}", "\u{2028}", "\\n", "\\\"", "\\\\", "\\/",
            "\\u0000", "\\u00e9", "\\uD83D\\uDE00", "\\u20AC", "$", "{", "0",
        ]
        return "\"" + (0..<below(6)).map { _ in pieces[below(pieces.count)] }.joined() + "\""
    }
}

@Suite struct FuzzTests {
    @Test(arguments: [1, 42, 20_250_629] as [UInt64])
    func `random valid texts are accepted and survive every rewriting`(seed: UInt64) throws {
        var generator = RandomText(seed: seed)
        for round in 0..<300 {
            let text = generator.value()
            let root = try JSONDocument(parsing: text).root
            let canonical = root.canonicalBytes
            for layout in [JSONWriter.Layout.compact, .indented] {
                let rewritten = try JSONDocument(parsing: root.formatted(layout)).root
                #expect(rewritten.canonicalBytes == canonical, "seed \(seed), round \(round)")
            }
            let again = try JSONDocument(parsing: canonical).root.canonicalBytes
            #expect(again == canonical, "seed \(seed), round \(round): \(text)")
        }
    }

    /// What is accepted must be readable to the last value; what is not must say where.
    @Test(arguments: [7, 99, 1_751_212_800] as [UInt64])
    func `damaged texts are refused with a place or read without a crash`(seed: UInt64) throws {
        var generator = RandomText(seed: seed)
        for _ in 0..<1_500 {
            var bytes = Array(generator.value().utf8)
            for _ in 0...generator.below(3) { damage(&bytes, &generator) }
            do throws(JSONError) {
                let root = try JSONDocument(parsing: bytes).root
                let again = try JSONDocument(parsing: root.canonicalBytes)
                #expect(again.root.kind == root.kind, "seed \(seed): \(bytes)")
                readAll(root)
            } catch {
                let offset = try #require(error.position?.byteOffset)
                #expect((0...bytes.count).contains(offset), "seed \(seed): \(bytes)")
            }
        }
    }

    @Test func `every prefix of a text is refused`() throws {
        let text = Array(#"{"a":[1.5e3,"\ud83d\ude00é",{"b":null}],"c":true}"#.utf8)
        _ = try JSONDocument(parsing: text)
        for length in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONDocument(parsing: Array(text[..<length])) }
        }
    }

    private func damage(_ bytes: inout [UInt8], _ generator: inout RandomText) {
        let place = generator.below(bytes.count + 1)
        let byte =
            generator.below(2) == 0
            ? UInt8(generator.below(256)) : Array("{}[]\",:\\u0e.-".utf8)[generator.below(13)]
        switch generator.below(4) {
        case 0: bytes.insert(byte, at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2 where place < bytes.count: bytes[place] = byte
        default: bytes.removeLast(bytes.count - place)
        }
    }

    private func readAll(_ view: JSONView) {
        _ = (view.string, view.int64, view.uint64, view.double, view.bool, view.rawText)
        #expect(view.count == Array(view.elements).count + Array(view.members).count)
        for element in view.elements { readAll(element) }
        for member in view.members {
            #expect(view[member.name] != nil)
            readAll(member.value)
        }
    }
}
