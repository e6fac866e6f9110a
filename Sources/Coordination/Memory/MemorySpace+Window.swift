/// What leaves the window of changes, and what an earlier process left.
extension MemorySpace {
    /// Takes leave of the changes before a revision. Those that later ones replaced mean nothing
    /// any more.
    mutating func leave(below oldest: Int64) -> Passed {
        var passed = Passed(below: oldest)
        while let step = trail.next(below: oldest) {
            if let entry = cells[step.key]?.entry {
                if entry.revision == step.revision { passed.held.append(entry) }
            } else if graves[step.key]?.revision == step.revision {
                graves[step.key] = nil
                passed.gone.append(step.key)
            }
        }
        return passed
    }

    // MARK: Taking up

    /// A change that the store holds: first those that the window has passed, then those in it, each
    /// in the order of revisions. Ends of entries wait for ``armRestored(_:)``.
    public mutating func restore(_ change: MemoryChange) {
        let entry = change.entry
        if entry.revision >= window.oldest {
            window.add(revision: entry.revision, changes: 1, bytes: entry.weight, limits)
            trail.append(entry.revision, entry.key)
        }
        _ = takeOut(entry.key)
        guard change.kind == .put else {
            if entry.revision >= window.oldest {
                graves[entry.key] = Grave(revision: entry.revision, changedIn: .none)
            }
            return
        }
        graves[entry.key] = nil
        keys.insert(entry.key)
        bytes += entry.weight
        cells[entry.key] = Cell(entry: entry, changedIn: .none)
    }

    /// Sets the ends of restored entries by the monotonic clock, now that `nanos` can tell those of
    /// wall clock milliseconds.
    public mutating func armRestored(_ nanos: (Int64) -> Int64) {
        for (key, known) in cells where known.entry.expiresMillis > 0 && known.expiry < 0 {
            var cell = known
            setExpiry(&cell, nanos(known.entry.expiresMillis))
            cells[key] = cell
        }
    }
}
