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
        runs[run].insert(key, at: Self.firstIndex(in: runs[run], atOrAbove: key))
        guard runs[run].count > Self.maxRun else { return }
        let upper = Array(runs[run][(Self.maxRun / 2)...])
        runs[run].removeLast(upper.count)
        runs.insert(upper, at: run + 1)
    }

    /// Takes out a key that is there.
    mutating func remove(_ key: MemoryKey) {
        guard !runs.isEmpty else { return }
        let run = runThatMayHold(key)
        let index = Self.firstIndex(in: runs[run], atOrAbove: key)
        guard index < runs[run].count, runs[run][index] == key else { return }
        runs[run].remove(at: index)
        if runs[run].isEmpty { runs.remove(at: run) }
    }

    /// Calls `body` with each key from `start` on, ascending, until it says that it has enough.
    func forEach(from start: MemoryKey, _ body: (MemoryKey) -> Bool) {
        guard !runs.isEmpty else { return }
        var run = runThatMayHold(start)
        var index = Self.firstIndex(in: runs[run], atOrAbove: start)
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
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if key < runs[middle][0] { high = middle } else { low = middle + 1 }
        }
        return max(low - 1, 0)
    }

    private static func firstIndex(in run: [MemoryKey], atOrAbove key: MemoryKey) -> Int {
        var low = 0
        var high = run.count
        while low < high {
            let middle = (low + high) / 2
            if run[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
