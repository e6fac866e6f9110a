import Coordination

/// Which runs have changed, in order: what a watcher of graphs resumes by. Bounded; no run's state.
struct GraphLog: Sendable {
    private struct Entry: Sendable {
        var run: RunID
        var namespace: Namespace
    }

    /// Entries of a ring; the one of sequence `s` stands at `s % maxEntries`.
    private var entries: [Entry] = []
    private let maxEntries: Int
    /// The sequence number before the oldest entry that was ever here.
    private let base: Int64
    /// The newest change; grows over restarts, since an epoch does.
    private(set) var newest: Int64
    var watchers: [ReplyTicket: WatchGraphs] = [:]

    init(epoch: Epoch, maxEntries: Int = 65_536) {
        self.maxEntries = maxEntries
        // 2^31 changes an epoch, which begins at least a second after the last one.
        base = Int64(epoch.rawValue) << 31
        newest = base
    }

    /// The oldest number behind which a watcher can go on.
    var oldest: Int64 { max(base, newest - Int64(maxEntries)) }

    /// Notes a change and gives its number.
    mutating func note(_ run: RunID, _ namespace: Namespace) -> Int64 {
        let entry = Entry(run: run, namespace: namespace)
        let place = Int((newest - base) % Int64(maxEntries))
        if place < entries.count { entries[place] = entry } else { entries.append(entry) }
        newest += 1
        return newest
    }

    /// The runs that have changed behind a number, each once, in the order of their first change.
    func changed(after sequence: Int64, _ watch: WatchGraphs) -> [RunID] {
        var seen: Set<RunID> = []
        var found: [RunID] = []
        for number in max(sequence, oldest)..<max(newest, oldest) {
            let entry = entries[Int((number - base) % Int64(maxEntries))]
            if watch.covers(entry.run, entry.namespace), seen.insert(entry.run).inserted {
                found.append(entry.run)
            }
        }
        return found
    }
}

extension WatchGraphs {
    func covers(_ run: RunID, _ other: Namespace) -> Bool {
        namespace == other && (runs.isEmpty || runs.contains(run))
    }
}
