import JSON
import Testing

@Suite struct LookupTests {
    /// The paths of a document, and some that are not there.
    private static let paths = [
        "a", "b", "c", "b.x", "b.y", "d[0]", "d[1]", "d[2]", "d[3]", "a[0]", "d.x", "nowhere",
        "e.f", #"["A"]"#,
    ]

    @Test func `many questions are answered like single ones`() throws {
        let document = try JSONDocument(
            parsing: #"""
                {"a": 1, "b": {"x": 2, "y": [3], "x": 4}, "c": null, "a": "last",
                 "d": [5, {"z": 6}, 7], "\u0041": 8, "e": {}}
                """#)
        var lookup = JSONLookup(document)
        for round in 1...30 {
            for text in Self.paths {
                let path = try JSONPathExpression(parsing: text)
                let found = lookup.at(path.steps[...])?.rawText
                #expect(found == document.root.at(path)?.rawText, "\(text), round \(round)")
            }
        }
        #expect(lookup.at([])?.rawText == document.root.rawText)
        #expect(lookup.at([.name("b"), .name("x")])?.rawText == "4")
        #expect(lookup.at([.name("a")])?.rawText == "\"last\"")
    }

    @Test func `a thousand paths into a large object take no thousand walks`() throws {
        let count = 100_000
        let members = (0..<count).map { "\"member\($0)\":\($0)" }.joined(separator: ",")
        let document = try JSONDocument(parsing: "{\(members)}")
        var lookup = JSONLookup(document)
        let clock = ContinuousClock()
        let walk = clock.measure { _ = document.root["member0"] }
        let all = clock.measure {
            for number in 0..<1_000 {
                let value = lookup.at([.name("member\(number * 97)")])?.int64
                #expect(value == Int64(number * 97))
            }
        }
        #expect(all < walk * 500, "\(all) for all, \(walk) for one walk")
    }
}
