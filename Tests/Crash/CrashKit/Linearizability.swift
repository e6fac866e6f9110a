/// What a service does when calls come one after the other.
package protocol SequentialModel {
    associatedtype State: Hashable, Sendable
    associatedtype Input: Sendable
    associatedtype Output: Sendable
    static var initial: State { get }
    /// The state after an operation that answered so; `nil`: it cannot answer so. No output: nobody
    /// knows what it answered.
    static func step(_ state: State, _ input: Input, _ output: Output?) -> State?
}

/// One operation as its client saw it, by one clock.
package struct Observed<Model: SequentialModel>: Sendable {
    package var call: Int64
    /// `nil`: there was no answer; it may have taken effect at any time since, or never.
    package var end: Int64?
    package var input: Model.Input
    package var output: Model.Output?

    package init(
        call: Int64, end: Int64?, input: Model.Input, output: Model.Output?
    ) {
        self.call = call
        self.end = end
        self.input = input
        self.output = output
    }
}

/// Whether a history could have come from operations that took effect one at a time, each between
/// its call and its answer: the search of Wing and Gong, with Lowe's memory of what was tried.
package enum Linearizability {
    package static func holds<Model: SequentialModel>(_ history: [Observed<Model>]) -> Bool {
        var search = Search(history)
        return search.run()
    }

    private struct Tried<State: Hashable>: Hashable {
        var done: [UInt64]
        var state: State
    }

    /// Calls and answers in the order of time as a linked list, from which operations that have
    /// taken effect are lifted.
    private struct Search<Model: SequentialModel> {
        private struct Entry {
            var operation: Int
            var isCall: Bool
        }

        private let history: [Observed<Model>]
        private var entries: [Entry] = []
        private var next: [Int] = []
        private var previous: [Int] = []
        /// Where the answer of each operation stands; -1: it has none.
        private var answers: [Int]
        private var done: [UInt64]
        private var tried: Set<Tried<Model.State>> = []
        private var stack: [(entry: Int, state: Model.State)] = []
        /// Answered operations that have not taken effect.
        private var left = 0

        init(_ history: [Observed<Model>]) {
            self.history = history
            answers = Array(repeating: -1, count: history.count)
            done = Array(repeating: 0, count: (history.count + 63) / 64)
            var events: [(time: Int64, entry: Entry)] = []
            for (index, operation) in history.enumerated() {
                events.append((operation.call, Entry(operation: index, isCall: true)))
                if let end = operation.end {
                    events.append((end, Entry(operation: index, isCall: false)))
                    left += 1
                }
            }
            // At one instant calls come first: such operations overlap.
            events.sort { ($0.time, $0.entry.isCall ? 0 : 1) < ($1.time, $1.entry.isCall ? 0 : 1) }
            // Place 0 is before the first.
            entries = [Entry(operation: -1, isCall: false)] + events.map(\.entry)
            for (place, entry) in entries.enumerated() where place > 0 && !entry.isCall {
                answers[entry.operation] = place
            }
            next = Array(1...entries.count)
            previous = Array(-1..<(entries.count - 1))
        }

        mutating func run() -> Bool {
            var state = Model.initial
            var place = next[0]
            while left > 0 {
                if place < entries.count, entries[place].isCall {
                    let operation = entries[place].operation
                    let after = Model.step(
                        state, history[operation].input, history[operation].output)
                    if let after, take(operation, after) {
                        stack.append((place, state))
                        state = after
                        lift(place)
                        place = next[0]
                    } else {
                        place = next[place]
                    }
                } else {
                    guard let last = stack.popLast() else { return false }
                    state = last.state
                    putBack(last.entry)
                    place = next[last.entry]
                }
            }
            return true
        }

        /// Notes that an operation has taken effect; `false`: the same was tried before.
        private mutating func take(_ operation: Int, _ after: Model.State) -> Bool {
            var now = done
            now[operation / 64] |= 1 << UInt64(operation % 64)
            guard tried.insert(Tried(done: now, state: after)).inserted else { return false }
            done = now
            return true
        }

        private mutating func lift(_ place: Int) {
            unlink(place)
            let answer = answers[entries[place].operation]
            guard answer >= 0 else { return }
            unlink(answer)
            left -= 1
        }

        private mutating func putBack(_ place: Int) {
            let operation = entries[place].operation
            done[operation / 64] &= ~(1 << UInt64(operation % 64))
            if answers[operation] >= 0 {
                link(answers[operation])
                left += 1
            }
            link(place)
        }

        private mutating func unlink(_ place: Int) {
            next[previous[place]] = next[place]
            if next[place] < entries.count { previous[next[place]] = previous[place] }
        }

        private mutating func link(_ place: Int) {
            next[previous[place]] = place
            if next[place] < entries.count { previous[next[place]] = place }
        }
    }
}
