/// What is to happen in virtual time, in order; equal instants in the order they were added.
struct EventQueue<Event> {
    private struct Entry {
        var at: Int64
        var order: Int
        var event: Event
    }

    private var entries: [Entry] = []
    private var added = 0

    var nextAt: Int64? { entries.last?.at }

    mutating func add(_ event: Event, at: Int64) {
        added += 1
        let entry = Entry(at: at, order: added, event: event)
        // Latest first, so that taking the next one is taking the last.
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].at > at { low = middle + 1 } else { high = middle }
        }
        entries.insert(entry, at: low)
    }

    mutating func pop() -> (at: Int64, event: Event)? {
        entries.popLast().map { ($0.at, $0.event) }
    }
}
