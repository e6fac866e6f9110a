import Coordination
import Store

/// Making repeated calls harmless: the pair that every durable command with a request id uses.
///
///     switch rememberedAnswer(key, hash: put.contentHash) {
///     case .known(let bytes, let seen): return answer(ticket, try decode(bytes), seen: seen)
///     case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
///     case .new: break
///     }
///     // ... decide; a rejection is not remembered ...
///     remember(key, hash: put.contentHash, answer: encoded)
///     answer(ticket, ..., seen: filling)
///
/// A repeat that comes while the first call's batch is not on disk yet finds the entry too and
/// waits for the same batch: it joins the first call.
extension CoordinationEngine {
    /// What is remembered of a request.
    enum RememberedAnswer: Sendable, Equatable {
        /// Nothing: carry the command out.
        case new
        /// The answer that the same request got; it is on disk with batch `seen`.
        case known([UInt8], seen: BatchNumber)
        /// The id was used for other content: INVALID_ARGUMENT.
        case reused(seen: BatchNumber)
    }

    /// What is remembered of a request.
    ///
    /// - Parameters:
    ///   - key: namespace, method and the client's id; an empty id is never remembered.
    ///   - hash: fingerprint of all content that the change depends on.
    mutating func rememberedAnswer(_ key: RequestLog.Key, hash: UInt64) -> RememberedAnswer {
        if key.requestID.isEmpty { return .new }
        guard let entry = requests.entry(key, nowMillis: now.wallMillis) else { return .new }
        return entry.contentHash == hash
            ? .known(entry.answer, seen: entry.changedIn) : .reused(seen: entry.changedIn)
    }

    /// Remembers the answer with the filling batch, which is to hold the change too; nothing
    /// without an id.
    ///
    /// - Parameter makeAnswer: ids, token, status, no payload; its first byte is its format version.
    mutating func remember(
        _ key: RequestLog.Key, hash: UInt64, answer makeAnswer: @autoclosure () -> [UInt8]
    ) {
        if key.requestID.isEmpty { return }
        let answer = makeAnswer()
        draft.requests.append(
            RequestRow(
                namespace: key.namespace.name, method: key.method, requestID: key.requestID,
                contentHash: hash, createdMillis: now.wallMillis, answer: answer))
        requests.insert(
            RequestLog.Entry(
                contentHash: hash, answer: answer, createdMillis: now.wallMillis,
                changedIn: filling),
            for: key, committed: committed)
    }

    /// A request id that the store remembers, oldest first.
    public mutating func restore(_ request: RequestRow) throws(CodecError) {
        if request.method == StartedAnswer.method { _ = try StartedAnswer.decode(request.answer) }
        requests.insert(
            RequestLog.Entry(
                contentHash: request.contentHash, answer: request.answer,
                createdMillis: request.createdMillis, changedIn: .none),
            for: RequestLog.Key(
                namespace: Namespace(request.namespace), method: request.method,
                requestID: request.requestID),
            committed: .none)
    }
}

/// What a start answered: the run.
enum StartedAnswer {
    static let method = "StartRun"

    /// Format version, then the run.
    static func encode(_ run: RunID) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.unsigned(run.serial.rawValue)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> RunID {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        return RunID(serial: Serial(rawValue: try reader.unsigned()))
    }
}
