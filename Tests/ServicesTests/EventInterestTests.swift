import Coordination
import Testing

@testable import Services

@Suite struct EventInterestTests {
    @Test func `filters that only look alike are two interests, the same bytes are one`() throws {
        let texts = ["\u{e9}", "e\u{301}", "\u{e9}"].map { "payload.name = \"\($0)\"" }
        let interests = try texts.map {
            EventInterest(patterns: [.all], filter: try EventFilter.parse($0))
        }
        #expect(interests[0] != interests[1] && interests[0] == interests[2])
        #expect(Set(interests).count == 2)
    }
}
