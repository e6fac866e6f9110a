import Testing

@testable import cadre

@Suite struct NewestInTurnTests {
    @Test func `an undo waits for the action it undoes, and nothing is begun twice`() {
        var turns = NewestInTurn<String, String>()
        let first = turns.take("do", number: 1, of: "halt")
        #expect(first)
        let again = turns.take("do", number: 1, of: "halt")
        #expect(!again)
        let undo = turns.take("undo", number: 2, of: "halt")
        #expect(!undo, "the action is still being carried out")
        let undoAgain = turns.take("undo", number: 2, of: "halt")
        #expect(!undoAgain)
        let other = turns.take("do", number: 3, of: "notify")
        #expect(other, "another action has its own turn")
        #expect(turns.ended("halt") == "undo")
        #expect(turns.ended("halt") == nil)
        let anew = turns.take("do", number: 4, of: "halt")
        #expect(anew)
    }

    @Test func `only the newest of those that wait is done, and an old one never`() {
        var turns = NewestInTurn<String, String>()
        _ = turns.take("do", number: 1, of: "halt")
        _ = turns.take("undo", number: 2, of: "halt")
        _ = turns.take("do again", number: 3, of: "halt")
        _ = turns.take("undo", number: 2, of: "halt")
        #expect(turns.ended("halt") == "do again")
        #expect(turns.ended("halt") == nil)
    }
}
