import Store
import Threads

/// Collects outcomes in the order in which completions ran.
final class OutcomeTally: Sendable {
    private let list = Locked<[CommitOutcome]>([])

    var outcomes: [CommitOutcome] { list.withLock { $0 } }

    func add(_ outcome: CommitOutcome) {
        list.withLock { $0.append(outcome) }
    }
}
