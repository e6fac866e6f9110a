import Coordination

/// Steps that wait for somebody, in order, by namespace. Kept in chunks, so that a step more or less
/// costs little however many there are, and a page costs what it shows.
struct ParkedSteps: Sendable {
    private var chunks: [Namespace: [[StepPlace]]] = [:]

    private static let largest = 512

    /// Whether there are none at all.
    var isEmpty: Bool { chunks.isEmpty }

    /// Notes a step; one that is noted already stays once.
    mutating func insert(_ place: StepPlace, in namespace: Namespace) {
        guard var mine = chunks[namespace] else {
            chunks[namespace] = [[place]]
            return
        }
        chunks[namespace] = nil
        let chunk = min(Self.chunk(of: place, mine), mine.count - 1)
        let index = Self.index(of: place, mine[chunk])
        if index == mine[chunk].count || mine[chunk][index] != place {
            mine[chunk].insert(place, at: index)
            if mine[chunk].count > Self.largest {
                let half = Self.largest / 2
                mine.insert(Array(mine[chunk][half...]), at: chunk + 1)
                mine[chunk].removeLast(mine[chunk].count - half)
            }
        }
        chunks[namespace] = mine
    }

    /// Forgets a step, if it is noted.
    mutating func remove(_ place: StepPlace, in namespace: Namespace) {
        guard contains(place, in: namespace), var mine = chunks[namespace] else { return }
        chunks[namespace] = nil
        let chunk = Self.chunk(of: place, mine)
        mine[chunk].remove(at: Self.index(of: place, mine[chunk]))
        if mine[chunk].isEmpty { mine.remove(at: chunk) }
        if !mine.isEmpty { chunks[namespace] = mine }
    }

    /// Whether a step is noted.
    func contains(_ place: StepPlace, in namespace: Namespace) -> Bool {
        guard let mine = chunks[namespace] else { return false }
        let chunk = Self.chunk(of: place, mine)
        guard chunk < mine.count else { return false }
        let index = Self.index(of: place, mine[chunk])
        return index < mine[chunk].count && mine[chunk][index] == place
    }

    /// The first step behind another one; the very first for `nil`.
    func first(after place: StepPlace?, in namespace: Namespace) -> StepPlace? {
        guard let mine = chunks[namespace] else { return nil }
        guard let place else { return mine.first?.first }
        let next = StepPlace(run: place.run, step: place.step + 1)
        let chunk = Self.chunk(of: next, mine)
        guard chunk < mine.count else { return nil }
        let index = Self.index(of: next, mine[chunk])
        return index < mine[chunk].count ? mine[chunk][index] : nil
    }

    /// The chunk where a step is or would be: the first that ends at it or behind.
    private static func chunk(of place: StepPlace, _ mine: [[StepPlace]]) -> Int {
        mine.sortedIndex { $0.last.map { isBefore($0, place) } ?? true }
    }

    /// Where in a chunk it is or would be.
    private static func index(of place: StepPlace, _ chunk: [StepPlace]) -> Int {
        chunk.sortedIndex { isBefore($0, place) }
    }

    private static func isBefore(_ a: StepPlace, _ b: StepPlace) -> Bool {
        (a.run, a.step) < (b.run, b.step)
    }
}
