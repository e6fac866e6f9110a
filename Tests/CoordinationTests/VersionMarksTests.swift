import Coordination
import Testing

@Suite struct VersionMarksTests {
    @Test func `a version is known by what it said`() {
        var marks = VersionMarks()
        #expect(!marks.contradict("1", [6, 1, 2]))
        marks.note("1", [6, 1, 2])
        #expect(!marks.contradict("1", [6, 1, 2]))
        #expect(marks.contradict("1", [6, 1, 3]))
        #expect(!marks.contradict("2", [6, 1, 3]))
        #expect(!marks.contradict("1", [7, 1, 3]), "another form of storage cannot be compared")
    }

    @Test func `the oldest go first`() {
        var marks = VersionMarks()
        for version in 0...VersionMarks.most { marks.note("\(version)", [6]) }
        #expect(!marks.contradict("0", [6, 1]))
        #expect(marks.contradict("1", [6, 1]))
        marks.note("1", [6])
        marks.note("new", [6])
        #expect(marks.contradict("1", [6, 1]), "what was current again is new again")
        #expect(!marks.contradict("2", [6, 1]))
    }

    @Test func `stored forms of version 1 stay readable`() throws {
        var marks = VersionMarks()
        marks.note("1", [6, 1, 2])
        let bytes = marks.encoded
        #expect(
            bytes == [
                1, 1, 163, 221, 231, 235, 190, 233, 198, 165, 197, 1, 166, 204, 218, 252, 134, 196,
                137, 211, 95, 6,
            ])
        #expect(try VersionMarks(bytes) == marks)
        for end in bytes.indices {
            #expect(throws: CodecError.self) { try VersionMarks(Array(bytes[..<end])) }
        }
    }
}
