import NIOCore

/// The loop of a client as a place where tasks run: between such a task and its calls there is no
/// hand-over from thread to thread, each of which costs as much as a hop over a socket.
///
/// Everything of the client waits while a task runs here, so it is for tasks that do little between
/// two awaits, as an event handler does, and never block.
public final class ClientExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Takes a job; called by the Swift runtime from any thread. It runs after what the loop does
    /// now, never within it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            // Safe: the runtime hands each job over exactly once, and the loop runs a task once.
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
