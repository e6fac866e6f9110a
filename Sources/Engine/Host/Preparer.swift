import Coordination
import Store
import Threads

/// Makes payloads off the engine's path: loads what is missing from the store, renders, and hands
/// the outcome on. One thread; also runs other work on bytes that must not hold up a loop.
final class Preparer: Sendable {
    private enum Job: Sendable {
        case render(Preparation)
        case other(@Sendable () -> Void)
    }

    private let store: any Store
    private let jobs = Mailbox<Job>(capacity: 65_536)
    private let deliver: @Sendable (Preparation.Outcome) -> Void

    init(
        store: any Store, deliver: @escaping @Sendable (Preparation.Outcome) -> Void
    ) throws(ThreadStartError) {
        self.store = store
        self.deliver = deliver
        let jobs = self.jobs
        _ = try NamedThread.start(name: "engine-prepare") {
            var batch: [Job] = []
            while jobs.waitAndDrain(into: &batch) == .drained {
                for job in batch { Self.run(job, deliver) }
            }
        }
    }

    deinit { jobs.close() }

    /// Makes a payload; the outcome is delivered on the preparation thread.
    func prepare(_ preparation: Preparation) {
        if preparation.missing.isEmpty {
            _ = jobs.post(.render(preparation), lane: .vital)
            return
        }
        store.loadPayloads(preparation.missing) { [jobs, deliver] result in
            switch result {
            case .success(let found):
                var complete = preparation
                complete.loaded.merge(found) { _, new in new }
                complete.missing = []
                _ = jobs.post(.render(complete), lane: .vital)
            case .failure(let error):
                deliver(Self.unreadable(preparation, error))
            }
        }
    }

    /// Runs other work on the preparation thread; `false` when too much waits.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        switch jobs.post(.other(work), lane: .work) {
        case .posted, .postedAndWasEmpty: true
        case .full, .closed: false
        }
    }

    func close() { jobs.close() }

    /// Renders with what is at hand.
    static func render(_ preparation: Preparation) -> Preparation.Outcome {
        preparation.make()
    }

    private static func run(_ job: Job, _ deliver: @Sendable (Preparation.Outcome) -> Void) {
        switch job {
        case .render(let preparation): deliver(render(preparation))
        case .other(let work): work()
        }
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
