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
    private let successor: AgentExecutor?

    /// Starts the thread. `afterTick` is called on it after each drained batch of jobs, so that
    /// results leave as batches.
    ///
    /// - Parameter successor: takes the jobs that come when this one has stopped. Default: the global
    ///   pool does.
    /// - Throws: when the system refuses a thread; free some, or raise the process limit.
    init(
        name: String, successor: AgentExecutor? = nil, afterTick: @escaping @Sendable () -> Void
    ) throws(ThreadStartError) {
        jobs = Mailbox(capacity: 1)
        self.successor = successor
        self.afterTick = afterTick
        _ = try NamedThread.start(name: name) { [self] in run() }
    }

    /// Takes a job; called by the Swift runtime from any thread.
    func enqueue(_ job: consuming ExecutorJob) { take(UnownedJob(job)) }

    /// A job that was dropped would be a task that never goes on, and whoever waits for it with it.
    private func take(_ job: UnownedJob) {
        if jobs.post(job, lane: .vital) != .closed { return }
        if let successor { successor.take(job) } else { globalConcurrentExecutor.enqueue(job) }
    }

    /// Ends the thread after the jobs it already has. Tasks that still wait for something go on
    /// elsewhere.
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
