import Coordination
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExactNameTests {
    @Test func `many names that look alike do not meet`() {
        let names = (0..<20_000).map { number in
            let letters = (0..<15).map { number >> $0 & 1 == 0 ? "\u{e9}" : "e\u{301}" }
            return ExactName(letters.joined())
        }
        #expect(Set(names).count == names.count)
        #expect(Set(names.map(\.hashValue)).count > names.count - 10)
    }

    @Test func `a name's hash is of its bytes, and of where it ends`() {
        let texts = ["", "a", "a\0", "\0a", "12345678", "12345678\0", "0123456789", "9876543210"]
        #expect(Set(texts.map { ExactName($0).hashValue }).count == texts.count)
        for text in texts {
            let same = String(decoding: Array(text.utf8), as: UTF8.self)
            #expect(ExactName(same) == ExactName(text))
            #expect(ExactName(same).hashValue == ExactName(text).hashValue)
        }
    }
}
