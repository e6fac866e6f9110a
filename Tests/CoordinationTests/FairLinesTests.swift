import Coordination
import Testing

@Suite struct FairLinesTests {
    @Test func `keys take turns, and each is served in order`() {
        var lines = FairLines()
        let ring = lines.open()
        var places: [Int32: WaitingLines.Place] = [:]
        for (work, key) in [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "c"), (6, "b")]
            as [(Int32, String)]
        {
            places[work] = lines.join(ring, key: key, work: work)
        }
        var served: [Int32] = []
        while let work = lines.head(ring), let place = places[work] {
            served.append(work)
            lines.turnTaken(place)
            lines.leave(place)
        }
        #expect(served == [1, 4, 5, 2, 6, 3])
        lines.close(ring)
    }

    @Test func `whoever leaves takes no turn from its key`() throws {
        var lines = FairLines()
        let ring = lines.open()
        let first = lines.join(ring, key: "a", work: 1)
        _ = lines.join(ring, key: "b", work: 2)
        _ = lines.join(ring, key: "a", work: 3)
        lines.leave(first)
        #expect(lines.head(ring) == 3)
        #expect(lines.all(ring) == [3, 2])
    }

    @Test func `a key has as many turns in a row as it weighs`() {
        var lines = FairLines()
        let ring = lines.open()
        var places: [Int32: WaitingLines.Place] = [:]
        var keys: [Int32: String] = [:]
        for work in 0..<600 as Range<Int32> {
            let key = ["a", "b", "c"][Int(work) % 3]
            let weight = ["a": 1, "b": 3, "c": 6][key] ?? 1
            places[work] = lines.join(ring, key: key, weight: weight, work: work)
            keys[work] = key
        }
        var served: [String: Int] = [:]
        // While each key has something waiting, the shares are as the weights.
        for _ in 0..<200 {
            guard let work = lines.head(ring), let place = places[work] else { break }
            served[keys[work] ?? "", default: 0] += 1
            lines.turnTaken(place)
            lines.leave(place)
        }
        #expect(served == ["a": 20, "b": 60, "c": 120])
    }

    @Test func `whoever takes one kind passes over all others, key by key and in order`() {
        var lines = FairLines()
        let ring = lines.open()
        for work in 0..<5_000 as Range<Int32> {
            _ = lines.join(ring, key: ["a", "b"][Int(work) % 2], kind: "slow", work: work)
        }
        var places: [Int32: WaitingLines.Place] = [:]
        for (work, key) in [(9_001, "b"), (9_002, "b"), (9_003, "a")] as [(Int32, String)] {
            places[work] = lines.join(ring, key: key, kind: "fast", work: work)
        }
        #expect(lines.head(ring) == 0, "who takes all is served in order, whatever the kinds")
        #expect(lines.count(ring) { $0 == "fast" } == 3)
        #expect(lines.all(ring).suffix(3) == [4_999, 9_001, 9_002])
        var served: [Int32] = []
        while let work = lines.first(ring, where: { $0 == "fast" }), let place = places[work] {
            served.append(work)
            lines.turnTaken(place)
            lines.leave(place)
        }
        #expect(served == [9_003, 9_001, 9_002])
        #expect(lines.first(ring, where: { $0 == "other" }) == nil)
    }

    @Test func `a key of many kinds is one line`() {
        var lines = FairLines()
        let ring = lines.open()
        var places: [WaitingLines.Place] = []
        for work in 0..<12 as Range<Int32> {
            places.append(lines.join(ring, key: "", kind: "k\(work % 3)", work: work))
        }
        #expect(lines.all(ring) == Array(0..<12))
        for (work, place) in places.enumerated() {
            #expect(lines.head(ring) == Int32(work))
            lines.leave(place)
        }
        #expect(lines.head(ring) == nil)
        lines.close(ring)
    }

    @Test func `a hundred keys have their turn before one that floods has its second`() {
        var lines = FairLines()
        let ring = lines.open()
        var places: [Int32: WaitingLines.Place] = [:]
        for work in 0..<1_000 as Range<Int32> {
            places[work] = lines.join(ring, key: "flood", work: work)
        }
        for work in 1_000..<1_100 as Range<Int32> {
            places[work] = lines.join(ring, key: "k\(work)", work: work)
        }
        var small = 0
        for _ in 0..<101 {
            guard let work = lines.head(ring), let place = places[work] else { break }
            if work >= 1_000 { small += 1 }
            lines.turnTaken(place)
            lines.leave(place)
        }
        #expect(small == 100)
    }
}
