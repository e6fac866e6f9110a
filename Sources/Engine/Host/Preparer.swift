import Coordination
import JSON
import Store
import Threads

/// Makes payloads off the engine's path: loads what is missing from the store, renders, and hands
/// the outcome on. Also runs other work on bytes that must not hold up a loop.
///
/// Three threads: two for all work, so that a contract check that spends its whole budget holds up
/// nobody, and one for short work only, so that two of them do not either. Outcomes come in no
/// particular order.
final class Preparer: Sendable {
    private let store: any Store
    private let jobs = PreparationQueue(capacity: 65_536)
    private let deliver: @Sendable (Preparation.Outcome) -> Void

    /// What each thread takes.
    private static let threads: [PreparationQueue.Length] = [.long, .long, .short]
    /// Work on up to so many bytes is short: at most about a millisecond.
    private static let maxShortBytes = 64 << 10

    init(
        store: any Store, deliver: @escaping @Sendable (Preparation.Outcome) -> Void
    ) throws(ThreadStartError) {
        self.store = store
        self.deliver = deliver
        for (number, length) in Self.threads.enumerated() {
            _ = try NamedThread.start(name: "engine-prepare\(number)") { [jobs] in
                while let job = jobs.next(length) { job() }
            }
        }
    }

    deinit { jobs.close() }

    /// Makes a payload; the outcome is delivered on a preparation thread.
    func prepare(_ preparation: Preparation) {
        if preparation.missing.isEmpty { return Self.post(preparation, jobs, deliver) }
        store.loadPayloads(preparation.missing) { [jobs, deliver] result in
            switch result {
            case .success(let found):
                var complete = preparation
                complete.loaded.merge(found) { _, new in new }
                complete.missing = []
                Self.post(complete, jobs, deliver)
            case .failure(let error):
                deliver(Self.unreadable(preparation, error))
            }
        }
    }

    /// Runs other, long work on a preparation thread; `false` when too much waits.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        jobs.post(work, .long, lane: .work)
    }

    func close() { jobs.close() }

    /// Renders with what is at hand.
    static func render(_ preparation: Preparation) -> Preparation.Outcome {
        preparation.make()
    }

    private static func post(
        _ preparation: Preparation, _ jobs: PreparationQueue,
        _ deliver: @escaping @Sendable (Preparation.Outcome) -> Void
    ) {
        let length: PreparationQueue.Length =
            preparation.estimatedBytes <= maxShortBytes ? .short : .long
        _ = jobs.post({ deliver(render(preparation)) }, length, lane: .vital)
    }

    private static func unreadable(
        _ preparation: Preparation, _ error: StoreError
    ) -> Preparation.Outcome {
        Preparation.Outcome(
            purpose: preparation.purpose,
            result: .failure(
                StepFailure(
                    type: "payload_unreadable",
                    message: "a stored payload could not be read: \(error.message)",
                    retryable: false)))
    }
}

extension Preparation {
    /// About how many bytes are looked at. A contract may look at all of a value with each of its
    /// schemas; what its references make of that is bounded by the check's own budget.
    fileprivate var estimatedBytes: Int {
        let atHand = loaded.values.reduce(task?.bytes ?? 0) { $0 + $1.bytes.count }
        if case .checked(let schema, _) = recipe { return atHand * schema.subschemaCount }
        return max(atHand, recipe.workBytes(loaded))
    }
}
