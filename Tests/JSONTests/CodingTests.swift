import JSON
import Testing

private struct Listing: Codable, Equatable {
    var symbol: String
    var openTime: Int64?
    var price: Double
    var tags: [String]
    var nested: [String: [Int]]
    var level: Level

    enum Level: String, Codable { case low, high }

    enum CodingKeys: String, CodingKey {
        case symbol
        case openTime = "open_time"
        case price, tags, nested, level
    }
}

private struct Report: Codable, Equatable {
    var listings: [Listing]
}

private struct Numbers: Codable, Equatable {
    var i8: Int8 = .min
    var i16: Int16 = .min
    var i32: Int32 = .min
    var i64: Int64 = .min
    var u8: UInt8 = .max
    var u16: UInt16 = .max
    var u32: UInt32 = .max
    var u64: UInt64 = .max
    var int = Int.max
    var uint = UInt.max
    var double = 0.1
    var float: Float = 0.1
    var flag = true
}

private enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case point
    case box(Int, Int)
}

private class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
}

private final class Dog: Animal {
    var barks: Int

    init(name: String, barks: Int) {
        self.barks = barks
        super.init(name: name)
    }

    enum CodingKeys: CodingKey { case barks }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        barks = try container.decode(Int.self, forKey: .barks)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(barks, forKey: .barks)
        try super.encode(to: container.superEncoder())
    }
}

@Suite struct CodingTests {
    private func encoded(_ value: some Encodable) throws -> String {
        String(decoding: try JSONCoding.encode(value), as: UTF8.self)
    }

    private func decoded<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try JSONCoding.decode(type, from: Array(text.utf8))
    }

    private let listing = Listing(
        symbol: "ABC\"", openTime: 1_751_212_800_000, price: 1e-7, tags: ["new", ""],
        nested: ["a": [1, 2]], level: .high)

    @Test func `a struct is an object in the order of its members, and reads back`() throws {
        let text = try encoded(Report(listings: [listing]))
        #expect(
            text == #"{"listings":[{"symbol":"ABC\"","open_time":1751212800000,"price":1e-7,"#
                + #""tags":["new",""],"nested":{"a":[1,2]},"level":"high"}]}"#)
        #expect(try decoded(Report.self, text) == Report(listings: [listing]))
    }

    @Test func `an absent optional is left out, and both null and nothing read as nil`() throws {
        var listing = self.listing
        listing.openTime = nil
        let text = try encoded(listing)
        #expect(!text.contains("open_time"))
        #expect(try decoded(Listing.self, text) == listing)
        let withNull = text.dropLast() + #","open_time":null}"#
        #expect(try decoded(Listing.self, String(withNull)) == listing)
    }

    @Test func `numbers of every width keep their extremes`() throws {
        let text = try encoded(Numbers())
        #expect(text.contains(#""u64":18446744073709551615"#))
        #expect(text.contains(#""i64":-9223372036854775808"#))
        #expect(text.contains(#""double":0.1,"float":0.1"#))
        #expect(try decoded(Numbers.self, text) == Numbers())
    }

    @Test(arguments: [("1.0", 1), ("1e3", 1000), ("-0", 0), ("12.50e1", 125)])
    func `an integer may be written in any notation`(text: String, value: Int) throws {
        #expect(try decoded(Int.self, text) == value)
        #expect(try decoded([UInt16].self, "[\(text)]") == [UInt16(value)])
    }

    @Test func `scalars, optionals and nested collections stand at the root`() throws {
        #expect(try encoded("x") == #""x""#)
        #expect(try encoded(Int?.none) == "null")
        #expect(try encoded([[1], [], [2, 3]]) == "[[1],[],[2,3]]")
        #expect(try decoded([[Int?]].self, "[[1,null],[]]") == [[1, nil], []])
        #expect(try decoded(Int?.self, "null") == nil)
        let optionals = try decoded([String: Int?].self, #"{"a":null,"b":1}"#)
        #expect(optionals == ["a": Optional<Int>.none, "b": 1])
        #expect(try decoded([Int: String].self, #"{"1":"a"}"#) == [1: "a"])
        #expect(try decoded(Set<Int>.self, "[1,2,1]") == [1, 2])
    }

    @Test(arguments: [
        (Shape.circle(radius: 1.5), #"{"circle":{"radius":1.5}}"#), (.point, #"{"point":{}}"#),
        (.box(1, 2), #"{"box":{"_0":1,"_1":2}}"#),
    ])
    fileprivate func `enums with payloads are objects of one member`(shape: Shape, text: String)
        throws
    {
        #expect(try encoded(shape) == text)
        #expect(try decoded(Shape.self, text) == shape)
    }

    @Test func `a subclass keeps its superclass under super`() throws {
        let text = try encoded(Dog(name: "Rex", barks: 3))
        #expect(text == #"{"barks":3,"super":{"name":"Rex"}}"#)
        let dog = try decoded(Dog.self, text)
        #expect(dog.name == "Rex" && dog.barks == 3)
    }

    @Test func `containers can be filled in turn and nested by hand`() throws {
        struct ByHand: Codable, Equatable {
            var a = [1, 2]
            var b = "x"

            enum Keys: CodingKey { case list, inner, b }

            init() {}

            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Keys.self)
                var list = outer.nestedUnkeyedContainer(forKey: .list)
                var inner = outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
                try list.encode(a[0])
                try inner.encode(b, forKey: .b)
                try list.encodeNil()
                var pair = list.nestedUnkeyedContainer()
                try pair.encode(a[1])
                var object = list.nestedContainer(keyedBy: Keys.self)
                try object.encode(true, forKey: .b)
                try a[1].encode(to: list.superEncoder())
            }

            init(from decoder: any Decoder) throws {
                let outer = try decoder.container(keyedBy: Keys.self)
                var list = try outer.nestedUnkeyedContainer(forKey: .list)
                let inner = try outer.nestedContainer(keyedBy: Keys.self, forKey: .inner)
                b = try inner.decode(String.self, forKey: .b)
                let first = try list.decode(Int.self)
                #expect(list.count == 5 && list.currentIndex == 1)
                #expect(try list.decodeNil())
                var pair = try list.nestedUnkeyedContainer()
                a = [first, try pair.decode(Int.self)]
                #expect(pair.isAtEnd)
                #expect(try list.nestedContainer(keyedBy: Keys.self).decode(Bool.self, forKey: .b))
                #expect(try Int(from: list.superDecoder()) == a[1])
                #expect(list.isAtEnd)
            }
        }
        let text = try encoded(ByHand())
        #expect(text == #"{"list":[1,null,[2],{"b":true},2],"inner":{"b":"x"}}"#)
        #expect(try decoded(ByHand.self, text) == ByHand())
    }

    @Test func `large objects are read as fast dictionaries, last of repeated names`() throws {
        let members = (0..<200).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let read = try decoded([String: Int].self, "{\"k7\":0,\(members)}")
        #expect(read.count == 200)
        #expect(read.allSatisfy { $0.key == "k\($0.value)" })
        #expect(try decoded([String: Int].self, #"{"a":1,"a":2}"#) == ["a": 2])
    }

    @Test(arguments: [
        (#"{"listings":[{"symbol":1}]}"#, "listings[0].symbol: expected a string, found 1"),
        (#"{"listings":[{"symbol":null}]}"#, "listings[0].symbol: expected a string, found null"),
        (#"{"listings":{}}"#, "listings: expected an array, found an object"),
        (#"{"listings":[[]]}"#, "listings[0]: expected an object, found an array"),
        ("{}", "listings: required, but not there"),
        (
            #"{"listings":[{"symbol":"a","open_time":"x"}]}"#,
            "listings[0].open_time: expected an integer, found a string"
        ),
        (
            #"{"listings":[{"symbol":"a","open_time":1.5}]}"#,
            "listings[0].open_time: expected an integer, found 1.5"
        ),
        (
            #"{"listings":[{"symbol":"a","open_time":9223372036854775808}]}"#,
            "listings[0].open_time: expected an integer from -9223372036854775808 to "
                + "9223372036854775807, found 9223372036854775808"
        ),
        (
            #"{"listings":[{"symbol":"a","price":1e999}]}"#,
            "listings[0].price: expected a number in the range of a double, found 1e999"
        ),
        (
            #"{"listings":[{"symbol":"a","price":1,"tags":["",true]}]}"#,
            "listings[0].tags[1]: expected a string, found a boolean"
        ),
        (
            #"{"listings":[{"symbol":"a","price":1,"tags":[],"nested":{"x.y":[0,{}]}}]}"#,
            #"listings[0].nested["x.y"][1]: expected an integer, found an object"#
        ),
        (
            #"{"listings":[{"symbol":"a","price":1,"tags":[],"nested":{},"level":"mid"}]}"#,
            "listings[0].level: Cannot initialize Level from invalid String value mid"
        ),
        (#"{"listings":[}"#, "line 1, column 14 (byte 13): expected a value, found '}'"),
    ])
    func `a reading error names the path and what was found`(text: String, message: String) {
        do throws(JSONError) {
            _ = try JSONCoding.decode(Report.self, from: Array(text.utf8))
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func `an error of a type's own initialiser keeps its path`() {
        struct Refusal: Error, CustomStringConvertible { var description: String { "too small" } }
        struct Positive: Decodable {
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer().decode(Int.self)
                if value <= 0 { throw Refusal() }
            }
        }
        do throws(JSONError) {
            _ = try JSONCoding.decode([String: [Positive]].self, from: Array(#"{"a":[1,0]}"#.utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidValue)
            #expect(error.description == "a[1]: too small")
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `a number that JSON does not have is refused with its path`(value: Double) {
        do throws(JSONError) {
            _ = try JSONCoding.encode(["prices": [1, value]])
            Issue.record("encoded \(value)")
        } catch {
            #expect(error.path == "prices[1]")
            #expect(error.code == .invalidValue)
        }
    }

    @Test func `a type that encodes nothing is refused`() {
        struct Silent: Encodable { func encode(to encoder: any Encoder) {} }
        do throws(JSONError) {
            _ = try JSONCoding.encode([Silent()])
            Issue.record("encoded")
        } catch {
            #expect(error.description == "[0]: Silent encoded nothing")
        }
    }

    @Test func `a part of a document is read without copying it`() throws {
        let document = try JSONDocument(parsing: #"{"skip":[],"use":{"circle":{"radius":2}}}"#)
        let use = try #require(document.root["use"])
        #expect(try JSONCoding.decode(Shape.self, from: use) == .circle(radius: 2))
    }
}
