/// How many streams a server bears that refuses some within the limit it announced.
///
/// A refusal lowers it to what is open; then each round of calls that end well raises it by one, so
/// that a server that was short for a moment is used in full again and seldom asked too much. Time
/// raises it as well while calls wait, for beside streams that never end no round does.
struct LearnedStreamLimit {
    private(set) var value = Int.max
    private var endedWell = 0

    /// The server refused a stream with so many others open.
    mutating func refused(open: Int) {
        value = max(1, open)
        endedWell = 0
    }

    /// A stream ended without an error.
    mutating func streamEnded() {
        guard value < .max else { return }
        endedWell += 1
        if endedWell >= value { raise() }
    }

    /// Calls have waited for a while: the server is asked for one stream more.
    mutating func raise() {
        guard value < .max else { return }
        value += 1
        endedWell = 0
    }
}
