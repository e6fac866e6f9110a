import Coordination
import Testing

/// Names of topics, and the patterns that they fit.
@Suite struct TopicPatternTests {
    @Test(arguments: ["a", "a.b", "market.symbol:BTC_USDT.listed-1", "orders/eu.new", "0"])
    func `these are topics`(_ name: String) {
        #expect(TopicName.fault(of: name) == nil)
        #expect(TopicPattern(name)?.topic == name)
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "a b", "a.*", ">", "ä", "a\0",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q",
        String(repeating: "x", count: 257),
    ])
    func `these are none`(_ name: String) {
        #expect(TopicName.fault(of: name) != nil)
        #expect(!TopicName.isRight(name))
    }

    @Test(arguments: ["", ".", "a..b", "a.>.b", ">.a", "a*", "a.*b", "a b", "*.", "a.>>"])
    func `these are no patterns`(_ text: String) {
        #expect(TopicPattern.fault(of: text) != nil)
        #expect(TopicPattern(text) == nil)
    }

    @Test(arguments: [
        ("a", "a", true), ("a", "a.b", false), ("a.b", "a", false), ("*", "a", true),
        ("*", "a.b", false), (">", "a", true), (">", "a.b.c", true), ("a.>", "a", false),
        ("a.>", "a.b", true), ("a.>", "a.b.c", true), ("a.>", "b.c", false),
        ("a.*.c", "a.b.c", true), ("a.*.c", "a.b.d", false), ("a.*.c", "a.c", false),
        ("*.*", "a.b", true), ("*.*", "a", false), ("*.>", "a", false), ("*.>", "a.b.c", true),
        ("ab", "a", false), ("a", "ab", false),
    ])
    func `a wildcard stands for whole levels`(_ pattern: String, _ topic: String, _ fits: Bool) {
        #expect(TopicPattern(pattern)?.matches(topic) == fits)
    }

    /// Against the plain reading of the rule, level by level.
    @Test func `random patterns agree with a naive reading`() {
        var random = SystemRandomNumberGenerator()
        let words = ["a", "b", "ab", "*", ">"]
        for _ in 0..<5_000 {
            var pattern = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                words.randomElement(using: &random) ?? "a"
            }
            if let rest = pattern.firstIndex(of: ">") {
                pattern.removeLast(pattern.count - rest - 1)
            }
            let topic = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                words[..<3].randomElement(using: &random) ?? "a"
            }
            let text = pattern.joined(separator: ".")
            let name = topic.joined(separator: ".")
            #expect(
                TopicPattern(text)?.matches(name) == Self.fits(pattern[...], topic[...]),
                "\(text) and \(name)")
        }
    }

    private static func fits(_ pattern: ArraySlice<String>, _ topic: ArraySlice<String>) -> Bool {
        switch (pattern.first, topic.first) {
        case (nil, nil): true
        case (">", _?): true
        case (let wanted?, let level?) where wanted == "*" || wanted == level:
            fits(pattern.dropFirst(), topic.dropFirst())
        default: false
        }
    }
}
