import Messages

/// What a worker has to say and has not said yet, in its order, cut into messages that are well
/// below the 4 MiB that the server refuses.
///
/// Results are kept until they are taken; they are bounded by what the worker holds. Chunks of
/// progress are dropped when too many wait: whoever watches is slower than the agent.
struct WorkerOutbox: Sendable {
    private enum Word: Sendable {
        case result(WorkResult), progress(WorkProgress)

        var bytes: Int {
            switch self {
            case .result(let result): WorkerOutbox.bytes(of: result)
            case .progress(let progress): WorkerOutbox.bytes(of: progress.chunk)
            }
        }
    }

    private var words: [Word] = []
    /// The newest of each assignment.
    private var heartbeats: [UInt64: WorkHeartbeat] = [:]
    private var waitingChunks = 0
    private var waitingChunkBytes = 0

    /// Bytes of a message that has more than one word; a word alone may have 2 MiB.
    static let fullBytes = 1 << 20
    /// Chunks that wait at most, and their bytes.
    static let maxChunks = 1_000
    static let maxChunkBytes = 2 << 20

    var isEmpty: Bool { words.isEmpty && heartbeats.isEmpty }

    mutating func add(_ result: WorkResult) { words.append(.result(result)) }

    mutating func add(_ progress: WorkProgress) {
        let bytes = Self.bytes(of: progress.chunk)
        guard waitingChunks < Self.maxChunks, waitingChunkBytes + bytes <= Self.maxChunkBytes
        else { return }
        waitingChunks += 1
        waitingChunkBytes += bytes
        words.append(.progress(progress))
    }

    mutating func add(_ heartbeat: WorkHeartbeat) { heartbeats[heartbeat.token] = heartbeat }

    /// Puts into a message what fits; the rest waits for the next.
    mutating func fill(_ message: inout ConnectRequest) {
        var bytes = 0
        fillHeartbeats(&message, &bytes)
        var taken = 0
        while taken < words.count {
            let count = words[taken].bytes
            if bytes > 0, bytes + count > Self.fullBytes { break }
            bytes += count
            taken += 1
            switch words[taken - 1] {
            case .result(let result): message.results.append(result)
            case .progress(let progress):
                waitingChunks -= 1
                waitingChunkBytes -= count
                message.progress.append(progress)
            }
        }
        words.removeFirst(taken)
    }

    private mutating func fillHeartbeats(_ message: inout ConnectRequest, _ bytes: inout Int) {
        if heartbeats.isEmpty { return }
        for token in heartbeats.keys.sorted() {
            guard bytes < Self.fullBytes, let heartbeat = heartbeats.removeValue(forKey: token)
            else { break }
            bytes += Self.bytes(of: heartbeat.details)
            message.heartbeats.append(heartbeat)
        }
    }

    private static func bytes(of payload: Payload?) -> Int {
        64 + (payload.map { $0.data.count + $0.contentType.utf8.count } ?? 0)
    }

    private static func bytes(of result: WorkResult) -> Int {
        switch result.outcome {
        case .payload(let payload): bytes(of: payload)
        case .failure(let failure): 64 + failure.type.utf8.count + failure.message.utf8.count
        case nil: 64
        }
    }
}
