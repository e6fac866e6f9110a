/// Keys in the order of their bytes, in runs of neighbours: inserting moves the keys of one run, and
/// looking for one halves first the runs and then the keys of one.
struct OrderedKeys: Sendable {
    /// None is empty.
    private var runs: [[MemoryKey]] = []

    /// A run that is longer is cut into two.
    static let maxRun = 512

    /// Adds a key that is not there.
    mutating func insert(_ key: MemoryKey) {
        guard !runs.isEmpty else { return runs.append([key]) }
        let run = runThatMayHold(key)
        runs[run].insert(key, at: runs[run].sortedIndex { $0 < key })
        guard runs[run].count > Self.maxRun else { return }
        let upper = Array(runs[run][(Self.maxRun / 2)...])
        runs[run].removeLast(upper.count)
        runs.insert(upper, at: run + 1)
    }

    /// Takes out a key that is there.
    mutating func remove(_ key: MemoryKey) {
        guard !runs.isEmpty else { return }
        let run = runThatMayHold(key)
        let index = runs[run].sortedIndex { $0 < key }
        guard index < runs[run].count, runs[run][index] == key else { return }
        runs[run].remove(at: index)
        if runs[run].isEmpty { runs.remove(at: run) }
    }

    /// Calls `body` with each key from `start` on, ascending, until it says that it has enough.
    func forEach(from start: MemoryKey, _ body: (MemoryKey) -> Bool) {
        guard !runs.isEmpty else { return }
        var run = runThatMayHold(start)
        var index = runs[run].sortedIndex { $0 < start }
        while run < runs.count {
            while index < runs[run].count {
                guard body(runs[run][index]) else { return }
                index += 1
            }
            run += 1
            index = 0
        }
    }

    /// The last run that begins at or before a key; the first one if none does.
    private func runThatMayHold(_ key: MemoryKey) -> Int {
        max(runs.sortedIndex { !(key < $0[0]) } - 1, 0)
    }
}
