import Coordination
import Testing

/// What topics hold, and what they let go.
@Suite struct TopicTableTests {
    private func append(
        _ table: inout TopicTable, _ topic: String, bytes: Int = 10, at millis: Int64 = 0,
        maxTopics: Int = 100, maxHeld: Int = 1_000
    ) -> TopicTable.Appended {
        table.append(
            to: topic, bytes: bytes, at: millis, maxTopics: maxTopics, maxHeld: maxHeld)
    }

    @Test func `sequences ascend over all topics and numbers in each`() {
        var table = TopicTable()
        #expect(append(&table, "a").sequence == 1)
        #expect(append(&table, "b").sequence == 2)
        let third = append(&table, "a")
        #expect(third.sequence == 3 && third.topicSequence == 2 && third.removed.isEmpty)
        #expect(table.lastSequence == 3 && table.held == 3)
    }

    @Test func `a topic holds as many as it may, and the oldest goes`() {
        var table = TopicTable()
        _ = table.put("a", TopicLimits(maxPublications: 2), at: 0, maxTopics: 10)
        for _ in 1...2 { #expect(append(&table, "a").removed.isEmpty) }
        #expect(append(&table, "a").removed == [1])
        #expect(append(&table, "b").removed.isEmpty)
        #expect(append(&table, "a").removed == [2])
        #expect(table.removedThrough([TopicPattern("a")!]) == 2)
        #expect(table.removedThrough([TopicPattern("b")!]) == 0)
        #expect(table.oldestHeld([.all]) == 3)
    }

    @Test func `a topic holds as many bytes as it may, and always the newest`() {
        var table = TopicTable()
        _ = table.put("a", TopicLimits(maxBytes: 1_024), at: 0, maxTopics: 10)
        #expect(append(&table, "a", bytes: 600).removed.isEmpty)
        #expect(append(&table, "a", bytes: 424).removed.isEmpty)
        #expect(append(&table, "a", bytes: 1).removed == [1])
        #expect(append(&table, "a", bytes: 5_000).removed == [2, 3])
        #expect(table.topics["a"]?.count == 1)
    }

    @Test func `what is too old goes, also when nothing comes`() {
        var table = TopicTable()
        _ = table.put("a", TopicLimits(maxAgeMillis: 1_000), at: 0, maxTopics: 10)
        _ = append(&table, "a", at: 100)
        #expect(append(&table, "a", at: 1_099).removed.isEmpty)
        #expect(append(&table, "a", at: 1_100).removed == [1])
        #expect(table.topics["a"]?.expiryMillis == 2_099)
        #expect(table.trim("a", at: 2_100) == [2, 3])
        #expect(table.names(.all, after: nil) == ["a"])
    }

    @Test func `lower limits take effect at once`() {
        var table = TopicTable()
        for _ in 1...5 { _ = append(&table, "a") }
        let put = table.put("a", TopicLimits(maxPublications: 2), at: 0, maxTopics: 10)
        #expect(put?.removed == [1, 2, 3])
        #expect(table.held == 2)
    }

    @Test func `a topic that is void is there until its room is needed`() {
        var table = TopicTable()
        _ = append(&table, "a", maxTopics: 2)
        _ = append(&table, "b", maxTopics: 2)
        #expect(table.refusal(of: "c", maxTopics: 2, maxHeld: 9) == .tooManyTopics(2))
        #expect(table.delete("a") == [1])
        #expect(table.delete("a") == nil)
        #expect(table.names(.all, after: nil) == ["b"])
        #expect(table.removedThrough([TopicPattern("a")!]) == 1)
        #expect(table.removedThrough([TopicPattern("c")!]) == 0)
        #expect(table.refusal(of: "c", maxTopics: 2, maxHeld: 9) == nil)
        #expect(append(&table, "c", maxTopics: 2).forgotten?.topic == "a")
        // Nobody knows any more which topic it was, so everybody is told.
        #expect(table.removedThrough([TopicPattern("c")!]) == 1)
        #expect(append(&table, "c", maxTopics: 2).topicSequence == 2)
    }

    @Test func `a full namespace takes from the topic itself`() {
        var table = TopicTable()
        for _ in 1...3 { _ = append(&table, "a", maxHeld: 3) }
        #expect(append(&table, "a", maxHeld: 3).removed == [1])
        #expect(table.refusal(of: "b", maxTopics: 9, maxHeld: 3) == .historyFull(3))
        #expect(table.refusal(of: "a", maxTopics: 9, maxHeld: 3) == nil)
        #expect(table.held == 3)
    }

    @Test func `it is the same after a restart`() throws {
        var table = TopicTable()
        _ = table.put("a", TopicLimits(maxPublications: 2), at: 0, maxTopics: 10)
        for topic in ["a", "b", "a", "a"] { _ = append(&table, topic, at: 5) }
        var again = TopicTable()
        for (name, history) in table.topics {
            again.restore(name, try TopicCodec.decode(TopicCodec.encode(history.settings)))
        }
        let marks: [(String, Int64)] = [("a", 1), ("b", 2), ("a", 3), ("a", 4)]
        let held = marks.map { topic, sequence in
            again.restore(
                TopicHistory.Mark(sequence: sequence, atMillis: 5, bytes: 10), of: topic)
        }
        again.restored()
        // The first was removed before; only its row was still there.
        #expect(held == [false, true, true, true])
        #expect(again.lastSequence == 4 && again.held == 3)
        #expect(append(&again, "a", at: 6).topicSequence == 4)
    }

    @Test func `the newest sequence survives what was deleted`() {
        var table = TopicTable()
        _ = append(&table, "a")
        _ = append(&table, "a")
        _ = table.delete("a")
        var again = TopicTable()
        for (name, history) in table.topics { again.restore(name, history.settings) }
        again.restored()
        #expect(append(&again, "b").sequence == 3)
    }

    @Test func `stored topics of the first format are read`() throws {
        let stored: [UInt8] = [1, 20, 128, 16, 208, 15, 1, 14, 6, 200, 1]
        let settings = try TopicCodec.decode(stored)
        #expect(
            settings.limits
                == TopicLimits(maxPublications: 10, maxBytes: 1_024, maxAgeMillis: 1_000))
        #expect(settings.isPut && settings.published == 7 && settings.removedThrough == 3)
        #expect(settings.lastMillis == 100)
        #expect(TopicCodec.encode(settings) == stored)
        #expect(try TopicCodec.decodeForgotten([1, 10]) == 5)
        #expect(TopicCodec.encode(forgottenThrough: 5) == [1, 10])
        #expect(throws: CodecError.self) { try TopicCodec.decode([2]) }
    }
}
