import Threads

/// The thread that in-process agents resume on: a task executor with one named thread.
///
/// Inline agents start on the thread that dispatches and come here only after an `await`; agents
/// with a thread of their own run here from the start. Never the global pool, whose hand-offs cost
/// 2 to 3 times the processor time of a whole call.
final class AgentExecutor: TaskExecutor {
    /// Jobs are never refused: each is a task that already holds an assignment, and the engine
    /// bounds those by the slots of the instances. The capacity bounds only the unused lane.
    private let jobs: Mailbox<UnownedJob>
    private let afterTick: @Sendable () -> Void
    private let stopped = Latch()

    /// Starts the thread. `afterTick` is called on it after each drained batch of jobs, so that
    /// results leave as batches.
    ///
    /// - Throws: when the system refuses a thread; free some, or raise the process limit.
    init(name: String, afterTick: @escaping @Sendable () -> Void) throws(ThreadStartError) {
        jobs = Mailbox(capacity: 1)
        self.afterTick = afterTick
        _ = try NamedThread.start(name: name) { [self] in run() }
    }

    /// Takes a job; called by the Swift runtime from any thread.
    func enqueue(_ job: consuming ExecutorJob) {
        _ = jobs.post(UnownedJob(job), lane: .vital)
    }

    /// Ends the thread after the jobs it already has. Tasks that still wait for something never
    /// resume, so this is for the end of the process and of tests.
    func stop() {
        jobs.close()
    }

    private func run() {
        var batch: [UnownedJob] = []
        while case .drained = jobs.waitAndDrain(into: &batch) {
            for job in batch {
                // Safe: the runtime hands each job over exactly once, and each leaves the mailbox
                // exactly once.
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            }
            afterTick()
        }
    }
}
