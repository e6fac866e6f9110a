import Coordination

/// A stored definition. The blob begins with its format version.
public struct DefinitionRow: Sendable, Hashable {
    /// With `name` the key.
    public var namespace: String
    /// What runs are started by.
    public var name: String
    /// The author's version, for listings; runs keep what they started with.
    public var version: String
    /// When it was put, in milliseconds since 1970.
    public var updatedMillis: Int64
    /// The engine's encoding; opaque here.
    public var blob: [UInt8]

    /// Combines the columns.
    public init(
        namespace: String, name: String, version: String, updatedMillis: Int64, blob: [UInt8]
    ) {
        self.namespace = namespace
        self.name = name
        self.version = version
        self.updatedMillis = updatedMillis
        self.blob = blob
    }
}

/// A stored payload, kept as long as its run: nothing of another run may name it.
public struct PayloadRow: Sendable, Hashable {
    /// The key; never used twice.
    public var id: PayloadID
    /// The run that it belongs to.
    public var run: RunID
    /// The bytes and their media type.
    public var payload: Payload

    /// Combines the columns.
    public init(id: PayloadID, run: RunID, payload: Payload) {
        self.id = id
        self.run = run
        self.payload = payload
    }
}

/// The latest state of a run. The blob begins with its format version.
///
/// Shard, namespace, workflow id, definition and start are fixed by the first row of a run; of
/// later rows only status, end and state count.
public struct RunRow: Sendable, Hashable {
    /// The key. Ids ascend in the order of starting.
    public var run: RunID
    /// The unit of listing.
    public var namespace: String
    /// The caller's name for the run; several runs may share one over time.
    public var workflowID: String
    /// The name of the definition that it runs.
    public var definition: String
    /// The engine's status code; open runs are those with `closedMillis` nil.
    public var status: UInt8
    /// When it started, in milliseconds since 1970.
    public var startedMillis: Int64
    /// When it ended, in milliseconds since 1970; `nil` while it is open.
    public var closedMillis: Int64?
    /// The engine's encoding of its state; opaque here.
    public var blob: [UInt8]

    /// Combines the columns.
    public init(
        run: RunID, namespace: String, workflowID: String, definition: String, status: UInt8,
        startedMillis: Int64, closedMillis: Int64?, blob: [UInt8]
    ) {
        self.run = run
        self.namespace = namespace
        self.workflowID = workflowID
        self.definition = definition
        self.status = status
        self.startedMillis = startedMillis
        self.closedMillis = closedMillis
        self.blob = blob
    }
}

/// The history events that one batch added to one run, packed. Sequence numbers start at 1 and
/// have no gaps.
public struct HistoryRow: Sendable, Hashable {
    /// The run that the events are of.
    public var run: RunID
    /// The number of the first event, 1 or more; with `run` the key.
    public var firstSequence: Int64
    /// How many events, 1 or more.
    public var count: Int
    /// The engine's encoding of the events; opaque here.
    public var blob: [UInt8]

    /// Combines the columns.
    public init(run: RunID, firstSequence: Int64, count: Int, blob: [UInt8]) {
        self.run = run
        self.firstSequence = firstSequence
        self.count = count
        self.blob = blob
    }
}

/// A request id remembered with the change it made, so that a repeated call gets the same answer.
///
/// Kept for a day unless the store was told otherwise, by whole hours.
public struct RequestRow: Sendable, Hashable {
    /// With `method` the scope of the id.
    public var namespace: String
    /// The method that was called.
    public var method: String
    /// The id that the client gave.
    public var requestID: String
    /// 64-bit hash of the request's content, to tell a repeat from a misuse.
    public var contentHash: UInt64
    /// When it was first seen, in milliseconds since 1970; decides how long it is remembered.
    public var createdMillis: Int64
    /// The short answer: ids and status, no payload.
    public var answer: [UInt8]

    /// Combines the columns.
    public init(
        namespace: String, method: String, requestID: String, contentHash: UInt64,
        createdMillis: Int64, answer: [UInt8]
    ) {
        self.namespace = namespace
        self.method = method
        self.requestID = requestID
        self.contentHash = contentHash
        self.createdMillis = createdMillis
        self.answer = answer
    }
}
