import Coordination
import Store

/// A batch that is configured.
struct BatchCell: Sendable {
    var name: ScopedName
    /// Never used again, so that what comes late finds nothing.
    var serial: UInt64
    var line: BatchLine
    /// Durable items that are not on disk yet: they will stand in line.
    var unstored = 0
    /// The newest batch of the store that changed its definition.
    var changedIn = BatchNumber.none
    /// Handle of the timer that lets items leave; -1: none.
    var timer: Int32 = -1
    var counts = BatchCounts()
    /// Batches that are at agents or on the way: who answered, and the open call.
    var flights: [UInt64: Flight] = [:]

    static let vacant = BatchCell(
        name: ScopedName(namespace: Namespace(""), name: ""), serial: 0,
        line: BatchLine(BatchDefinition(operation: "", agentType: "")))
}

/// A batch that has left.
struct Flight: Sendable {
    var items: [BatchLine.Item]
    var leftNanos: Int64
    var agent: AgentID?
    /// The newest batch of the store that its call has seen.
    var seen = BatchNumber.none
}

/// An item that has not ended.
struct ItemCell: Sendable {
    var batch: Int32
    var payload: Payload
    var requestID: String
    var fingerprint: UInt64
    var isDurable: Bool
    /// Wall clock, milliseconds since 1970.
    var atMillis: Int64
    /// Where its outcome goes: a caller's call, and the place in it.
    var waiters: [Waiter] = []

    struct Waiter: Sendable, Hashable {
        var ticket: ReplyTicket
        var place: Int
    }
}

/// A call that waits for its items.
struct ItemCall: Sendable {
    var outcomes: [ItemOutcome?]
    var missing: Int
    /// Items that it waits for, by place.
    var items: [UInt64?]
    /// The newest batch of the store that one of them changed.
    var seen = BatchNumber.none
}

/// Names an item for whoever submits it again.
struct ItemName: Sendable, Hashable {
    var batch: ScopedName
    var requestID: String

    /// By the bytes of both.
    static func == (a: Self, b: Self) -> Bool {
        a.batch == b.batch && a.requestID.hasSameBytes(as: b.requestID)
    }

    /// By the bytes of both.
    func hash(into hasher: inout Hasher) {
        hasher.combine(batch)
        hasher.combine(bytesOf: requestID)
    }
}

/// An item that has ended and may be asked for again.
struct EndedItem: Sendable {
    var fingerprint: UInt64
    var outcome: AssignmentOutcome
    var attempts: Int
    var atMillis: Int64
    var isStored: Bool
    var changedIn: BatchNumber
}

/// Batches and items of the shard.
struct ItemTables: Sendable {
    var cells = Slab(vacant: BatchCell.vacant)
    var index: [ScopedName: Int32] = [:]
    var lastSerial: UInt64 = 0
    /// The newest batch of the store that added or deleted one.
    var changedIn = BatchNumber.none
    var items: [UInt64: ItemCell] = [:]
    var lastItem: UInt64 = 0
    /// Payload bytes of those.
    var bytes = 0
    var calls: [ReplyTicket: ItemCall] = [:]
    /// Open items that have a name.
    var named: [ItemName: UInt64] = [:]
    /// Ended items that have one, oldest first in `endedOrder` from `endedHead` on.
    var ended: [ItemName: EndedItem] = [:]
    var endedOrder: [ItemName] = []
    var endedHead = 0
    /// What an earlier process left, until the first turn knows the time.
    var restored: [EntityRow] = []

    /// Items that wait or are at agents.
    var openCount: Int { items.count }

    func names(in namespace: Namespace) -> [String] {
        index.keys.filter { $0.namespace == namespace }.map(\.name).sorted()
    }
}
