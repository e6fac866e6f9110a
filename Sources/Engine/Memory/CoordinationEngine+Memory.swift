import Coordination
import Store

/// Shared memory: writing and reading.
extension CoordinationEngine {
    mutating func decide(_ command: MemoryCommand, _ ticket: ReplyTicket) {
        switch command {
        case .write(let write): writeMemory(write, ticket)
        case .transact(let transact): transactMemory(transact, ticket)
        case .get(let namespace, let keys): getMemory(namespace, keys, ticket)
        case .list(let namespace, let prefix, let after, let limit, let maxBytes):
            listMemory(
                memory.find(namespace), prefix, after, limit: limit, maxBytes: maxBytes, ticket)
        case .watch(let namespace, let scope, let from):
            watchMemory(namespace, scope, from: from, ticket)
        case .position(let namespace):
            let revision = memory.find(namespace).map {
                memory.cells[$0].space.line.revision(asOf: committed)
            }
            answer(ticket, .memory(.position(revision: revision ?? 0)), seen: .none)
        }
    }

    // MARK: One entry

    private mutating func writeMemory(_ write: WriteMemory, _ ticket: ReplyTicket) {
        let method = write.value == nil ? MemoryMethod.delete : MemoryMethod.put
        let key = RequestLog.Key(
            namespace: write.namespace, method: method.rawValue,
            requestID: write.signature.requestID)
        if isAnswered(key, write.contentHash, method, ticket) { return }
        if write.value != nil, let refusal = refusalOfChanges { return reject(ticket, refusal) }
        if let fence = write.fence, let refusal = refusal(of: fence, write.namespace) {
            return reject(ticket, refusal.rejection, seen: refusal.seen)
        }
        guard let cell = requireMemory(write.namespace) else {
            return reject(ticket, .tooManyMemoryNamespaces(limits.maxMemoryNamespaces))
        }
        let known = memory.look(cell) { $0.read(write.key) }
        if let expected = write.expected, expected != known.entry?.revision ?? 0 {
            return reject(
                ticket, .revisionMismatch(write.key, expected, known.entry?.revision ?? 0),
                seen: known.changedIn)
        }
        let operation: MemoryOperation =
            if let value = write.value {
                .put(write.key, value, ttlMillis: write.ttlMillis)
            } else {
                .delete(write.key)
            }
        guard
            let outcome = apply(
                [operation], write.signature.actor, cell, ticket, wantsResults: false)
        else { return }
        if outcome.changes.isEmpty {
            return nothingDeleted(write, key, cell, seen: known.changedIn, ticket)
        }
        remember(
            key, hash: write.contentHash,
            answer: MemoryMethod.encode(known.entry != nil, outcome.revision))
        let previous = write.returnsPrevious ? known.entry : nil
        let own: MemoryAnswer =
            write.value == nil
            ? .deleted(true, revision: outcome.revision, previous: previous)
            : .put(revision: outcome.revision, created: known.entry == nil, previous: previous)
        answer(ticket, .memory(own), seen: filling)
    }

    private mutating func nothingDeleted(
        _ write: WriteMemory, _ key: RequestLog.Key, _ cell: Int, seen: BatchNumber,
        _ ticket: ReplyTicket
    ) {
        let (revision, seen) = nothingChanged(
            key, hash: write.contentHash, flag: false, cell, seen: seen)
        answer(
            ticket, .memory(.deleted(false, revision: revision, previous: nil)), seen: seen)
    }

    /// The revision that is told when nothing was changed, and what that has seen.
    ///
    /// Without a request id it is where the namespace stands on disk, so that nobody waits for others.
    /// With one the answer is remembered: a repeat must not find another state and act on that.
    private mutating func nothingChanged(
        _ key: RequestLog.Key, hash: UInt64, flag: Bool, _ cell: Int, seen: BatchNumber
    ) -> (revision: Int64, seen: BatchNumber) {
        let line = memory.cells[cell].space.line
        if key.requestID.isEmpty {
            return (line.revision(asOf: max(seen, committed)), seen)
        }
        remember(key, hash: hash, answer: MemoryMethod.encode(flag, line.revision))
        return (line.revision, filling)
    }

    // MARK: Transactions

    private mutating func transactMemory(_ transact: TransactMemory, _ ticket: ReplyTicket) {
        let key = RequestLog.Key(
            namespace: transact.namespace, method: MemoryMethod.transact.rawValue,
            requestID: transact.signature.requestID)
        if isAnswered(key, transact.contentHash, .transact, ticket) { return }
        if !transact.isRead, let refusal = refusalOfChanges { return reject(ticket, refusal) }
        guard let cell = requireMemory(transact.namespace) else {
            return reject(ticket, .tooManyMemoryNamespaces(limits.maxMemoryNamespaces))
        }
        let (holds, compared) = compare(transact.compares, transact.namespace, cell)
        let operations = holds ? transact.then : transact.orElse
        var seen = compared
        for operation in operations {
            seen = max(seen, memory.look(cell) { $0.read(operation.key).changedIn })
        }
        guard let outcome = apply(operations, transact.signature.actor, cell, ticket) else {
            return
        }
        var revision = outcome.revision
        if outcome.changes.isEmpty, transact.isRead {
            revision = memory.cells[cell].space.line.revision(asOf: max(seen, committed))
        } else if outcome.changes.isEmpty {
            (revision, seen) = nothingChanged(
                key, hash: transact.contentHash, flag: holds, cell, seen: seen)
        } else {
            seen = filling
            remember(
                key, hash: transact.contentHash, answer: MemoryMethod.encode(holds, revision))
        }
        answer(
            ticket, .memory(.transacted(succeeded: holds, revision: revision, outcome.results)),
            seen: seen)
    }

    /// Whether all hold, and the newest batch that was looked at.
    private mutating func compare(
        _ compares: [MemoryCompare], _ namespace: Namespace, _ cell: Int
    ) -> (holds: Bool, seen: BatchNumber) {
        var seen = BatchNumber.none
        var holds = true
        for compare in compares {
            if let key = compare.key {
                seen = max(seen, memory.look(cell) { $0.read(key).changedIn })
            }
            if case .fence(let fence) = compare {
                let hold = lockHold(fence, namespace)
                seen = max(seen, hold.changedIn)
                if !hold.isHeld { holds = false }
            } else if memory.cells[cell].space.holds(compare) != true {
                holds = false
            }
        }
        return (holds, seen)
    }

    // MARK: Reading

    private mutating func getMemory(
        _ namespace: Namespace, _ keys: [MemoryKey], _ ticket: ReplyTicket
    ) {
        guard let cell = memory.find(namespace) else {
            return answer(ticket, .memory(.entries([], revision: 0)), seen: .none)
        }
        var seen = BatchNumber.none
        var entries: [MemoryEntry] = []
        for key in keys {
            let (entry, changedIn) = memory.look(cell) { $0.read(key) }
            seen = max(seen, changedIn)
            if let entry { entries.append(entry) }
        }
        // Whatever else is under way has not touched these keys.
        let revision = memory.cells[cell].space.line.revision(asOf: max(seen, committed))
        answer(ticket, .memory(.entries(entries, revision: revision)), seen: seen)
    }

    private mutating func listMemory(
        _ cell: Int?, _ prefix: MemoryKey, _ after: MemoryKey?, limit: Int, maxBytes: Int,
        _ ticket: ReplyTicket
    ) {
        guard let cell else {
            return answer(ticket, .memory(.page([], revision: 0, isLast: true)), seen: .none)
        }
        let page = memory.look(cell) {
            $0.entries(prefix: prefix, after: after, limit: limit, maxBytes: maxBytes)
        }
        let line = memory.cells[cell].space.line
        // Keys that are missing were seen too, so it waits for whatever is under way.
        answer(
            ticket,
            .memory(.page(page.entries, revision: line.revision, isLast: page.isLast)),
            seen: line.changedIn)
    }

    // MARK: Parts

    /// Carries out operations and notes what must be written and told; `nil` after they were refused.
    private mutating func apply(
        _ operations: [MemoryOperation], _ actor: String, _ cell: Int, _ ticket: ReplyTicket,
        wantsResults: Bool = true
    ) -> MemorySpace.Outcome? {
        if let bound = memory.look(cell, { $0.bound(for: operations) }) {
            reject(ticket, .memoryFull(bound))
            return nil
        }
        let added = operations.reduce(0) { $0 + $1.valueBytes }
        if isMemoryFull(for: operations, cell) {
            reject(ticket, .memoryFull(.bytes(limits.maxMemoryBytes)))
            return nil
        }
        let moment = moment
        let outcome = memory.change(cell) { space in
            space.apply(operations, actor: actor, at: moment, wantsResults: wantsResults)
        }
        // A large value takes the room of several commands, so that a batch has a bound in bytes.
        draft.commands += added >> 16
        noteMemory(outcome, cell)
        return outcome
    }

    /// Whether operations would grow the memory of all namespaces over its bound: what makes it no
    /// heavier always fits.
    private mutating func isMemoryFull(for operations: [MemoryOperation], _ cell: Int) -> Bool {
        if memory.bytes + operations.mostGrowth <= limits.maxMemoryBytes { return false }
        let growth = memory.look(cell) { $0.growth(of: operations).bytes }
        return growth > 0 && memory.bytes + growth > limits.maxMemoryBytes
    }

    /// When and with which batch something changes now.
    var moment: MemorySpace.Moment {
        MemorySpace.Moment(time: now, batch: filling, committed: committed)
    }

    /// The place of a namespace, which is made if it is new; `nil`: there are too many.
    mutating func requireMemory(_ namespace: Namespace) -> Int? {
        if let known = memory.find(namespace) { return known }
        memory.forgetUnused()
        if memory.index.count >= limits.maxMemoryNamespaces { return nil }
        return memory.insert(namespace, MemorySpace(limits: limits.memory))
    }

    /// Why a write under a lock is refused, and the newest batch that was looked at.
    private mutating func refusal(
        of fence: LockFence, _ namespace: Namespace
    ) -> (rejection: Rejection, seen: BatchNumber)? {
        let hold = lockHold(fence, namespace)
        return hold.isHeld ? nil : (.staleFence(fence), hold.changedIn)
    }

    /// Answers a request that was carried out before, or that bears another one's id.
    private mutating func isAnswered(
        _ key: RequestLog.Key, _ hash: UInt64, _ method: MemoryMethod, _ ticket: ReplyTicket
    ) -> Bool {
        switch rememberedAnswer(key, hash: hash) {
        case .new: return false
        case .reused(let seen): reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            do throws(CodecError) {
                answer(ticket, .memory(try method.answer(bytes)), seen: seen)
            } catch {
                reject(ticket, .unreadableAnswer(error))
            }
        }
        return true
    }
}

/// The methods that remember their requests, and how their answers are stored.
enum MemoryMethod: String {
    case put = "MemoryPut"
    case delete = "MemoryDelete"
    case transact = "MemoryTxn"

    /// Format version, whether there was an entry or the comparisons held, the revision.
    static func encode(_ flag: Bool, _ revision: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.bool(flag)
        writer.signed(revision)
        return writer.bytes
    }

    /// What a repeat is answered.
    func answer(_ bytes: [UInt8]) throws(CodecError) -> MemoryAnswer {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let flag = try reader.bool()
        let revision = try reader.signed()
        return switch self {
        case .put: .put(revision: revision, created: !flag, previous: nil)
        case .delete: .deleted(flag, revision: revision, previous: nil)
        case .transact: .transacted(succeeded: flag, revision: revision, [])
        }
    }
}
