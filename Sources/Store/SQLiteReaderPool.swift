import Threads

/// A few threads that read, each with a connection of its own, fed from one bounded queue.
final class SQLiteReaderPool: Sendable {
    /// Runs on a reader thread with its connection, or with why there is none.
    typealias Job = @Sendable (Result<SQLiteReader, StoreError>) -> Void

    private let queue: Monitor<Queue>
    private let threads: [NamedThread]
    private let capacity: Int

    /// Jobs in the order in which they came.
    struct Queue: Sendable {
        /// From `head` on; `nil` where a job was taken, which holds a caller and what it asked for.
        private var waiting: [Job?] = []
        private var head = 0
        var isClosed = false

        var count: Int { waiting.count - head }
        /// Places that it takes, those of jobs that were taken included.
        var places: Int { waiting.count }

        mutating func append(_ job: @escaping Job) { waiting.append(job) }

        mutating func take() -> Job? {
            guard head < waiting.count else { return nil }
            let job = waiting[head]
            waiting[head] = nil
            head += 1
            shorten()
            return job
        }

        /// Under steady load it never runs empty, so places that were left are dropped before.
        private mutating func shorten() {
            if head == waiting.count {
                waiting.removeAll(keepingCapacity: head <= 1_024)
                head = 0
            } else if head > 1_024, head * 2 > waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
        }
    }

    /// Starts the threads. The file must exist with all its tables.
    init(path: String, configuration: SQLiteStore.Configuration) throws(ThreadStartError) {
        precondition(configuration.readerThreads >= 1, "somebody has to read")
        let queue = Monitor(Queue())
        self.queue = queue
        capacity = configuration.maxWaitingQueries
        var threads: [NamedThread] = []
        do throws(ThreadStartError) {
            for number in 1...configuration.readerThreads {
                threads.append(
                    try NamedThread.start(name: "reader-\(number)") {
                        Self.run(path: path, configuration: configuration, queue: queue)
                    })
            }
        } catch {
            // Those that did start must end, or they would hold the file.
            queue.withLock { $0.isClosed = true }
            queue.broadcast()
            for thread in threads { thread.join() }
            throw error
        }
        self.threads = threads
    }

    /// Why a job was not taken.
    enum Refusal {
        case closed, full
    }

    /// Leaves a job for the next free reader.
    ///
    /// - Parameter bounded: whether the job counts for the limit; what the engine itself reads
    ///   does not, since its own limits bound it and it must not be refused.
    /// - Returns: `nil` when it was taken.
    func post(bounded: Bool, _ job: @escaping Job) -> Refusal? {
        let refusal = queue.withLock { queue -> Refusal? in
            if queue.isClosed { return .closed }
            if bounded && queue.count >= capacity { return .full }
            queue.append(job)
            return nil
        }
        if refusal == nil { queue.signal() }
        return refusal
    }

    /// Answers what waits, then ends the threads. Must not be called on one of them.
    func stop() {
        queue.withLock { $0.isClosed = true }
        queue.broadcast()
        for thread in threads { thread.join() }
    }

    private static func run(
        path: String, configuration: SQLiteStore.Configuration, queue: Monitor<Queue>
    ) {
        let reader = open(path: path, configuration: configuration)
        while let job = queue.wait(
            until: { $0.count > 0 || $0.isClosed }, then: { $0.take() })
        {
            job(reader)
        }
    }

    private static func open(
        path: String, configuration: SQLiteStore.Configuration
    ) -> Result<SQLiteReader, StoreError> {
        do throws(SQLiteFailure) {
            return .success(
                try SQLiteReader(
                    path: path, busyMillis: configuration.busyMillis,
                    cacheKibibytes: configuration.readerCacheKibibytes))
        } catch {
            return .failure(StoreError(error, file: path))
        }
    }
}
