import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension FieldFaults {
    /// Notes a missing or overlong key of shared memory.
    mutating func checkKey(_ key: String, _ field: @autoclosure () -> String) {
        let count = key.utf8.count
        check(count > 0, field(), "is required")
        check(
            count <= MemoryKey.maxBytes, field(),
            "is \(count) bytes; at most \(MemoryKey.maxBytes) are allowed")
    }

    /// Notes a time to live that is negative or over 366 days.
    mutating func checkTTL(_ millis: Int64, _ field: @autoclosure () -> String) {
        check(
            (0...Self.longestTTL).contains(millis), field(),
            "is \(millis); allowed are 1 to \(Self.longestTTL) ms, 366 days, and 0 for none")
    }

    /// Notes a value that is too large, or a content type that is too long.
    mutating func checkValue(_ value: Messages.Payload?, _ field: @autoclosure () -> String) {
        guard let value else { return }
        checkSize(value, field())
        check(
            value.contentType.utf8.count <= 256, "\(field()).content_type", "is over 256 bytes")
    }

    /// Notes a revision below 0.
    mutating func checkRevision(_ revision: Int64, _ field: @autoclosure () -> String) {
        check(revision >= 0, field(), "is \(revision); revisions begin at 1, 0 means: none")
    }

    /// Reads the lock that a write is made under.
    mutating func fence(
        _ fence: Messages.LockFence?, _ field: @autoclosure () -> String
    ) -> Coordination.LockFence? {
        guard let fence else { return nil }
        checkName(fence.resource, "\(field()).resource")
        check(
            fence.fencingToken > 0, "\(field()).fencing_token",
            "is required: the token of the hold")
        return Coordination.LockFence(resource: fence.resource, token: fence.fencingToken)
    }

    /// The size of a page: 1 to 1,000, 100 unless it is given.
    mutating func pageSize(_ size: Int32) -> Int {
        check(
            (0...1_000).contains(size), "page_size",
            "is \(size); allowed are 1 to 1,000, and 0 for the default of 100")
        return size == 0 ? 100 : Int(size)
    }

    private static let longestTTL: Int64 = 366 * 86_400_000
}

extension Coordination.Payload {
    /// Takes a value off the wire; an absent one is empty.
    init(orEmpty payload: Messages.Payload?) {
        let type = payload?.contentType ?? ""
        let isJSON = type.isEmpty || type == Self.json
        self.init(bytes: payload?.data ?? [], contentType: isJSON ? Self.json : type)
    }
}

extension Messages.MemoryEntry {
    init(_ entry: Coordination.MemoryEntry, withValue: Bool = true) {
        self.init()
        key = entry.key.text
        if withValue { value = Messages.Payload(entry.value) }
        revision = entry.revision
        createdRevision = entry.createdRevision
        version = entry.version
        createdUnixMillis = entry.createdMillis
        updatedUnixMillis = entry.updatedMillis
        lastUpdatedBy = entry.actor
        expiresUnixMillis = entry.expiresMillis
    }
}

extension Messages.MemoryChange {
    /// - Parameter previous: whether it was asked for what the key held before.
    init(_ change: Coordination.MemoryChange, withValue: Bool = true, previous wanted: Bool) {
        self.init()
        kind =
            switch change.kind {
            case .put: .put
            case .deleted: .deleted
            case .expired: .expired
            }
        if change.kind == .put {
            entry = Messages.MemoryEntry(change.entry, withValue: withValue)
        } else {
            var grave = Messages.MemoryEntry()
            grave.key = change.entry.key.text
            grave.revision = change.entry.revision
            grave.updatedUnixMillis = change.entry.updatedMillis
            grave.lastUpdatedBy = change.entry.actor
            entry = grave
        }
        guard wanted, change.hadPrevious else { return }
        let fits = change.valueBytes <= Self.mostValueBytes
        previous = fits ? change.previous.map { Messages.MemoryEntry($0) } : nil
        previousLeftOut = previous == nil
    }

    /// Bytes of the values of one change that go into a message.
    private static let mostValueBytes = 3 << 20
}

extension Coordination.MemoryChange {
    /// Bytes of what the key holds and held.
    var valueBytes: Int { entry.value.bytes.count + (previous?.value.bytes.count ?? 0) }
}

extension Coordination.MemoryCompare {
    /// Reads a comparison off the wire; `nil` after its faults were noted.
    init?(_ compare: Messages.MemoryCompare, _ path: String, _ faults: inout FieldFaults) {
        let before = faults.faults.count
        var isFence = false
        if case .fence = compare.condition { isFence = true }
        if !isFence { faults.checkKey(compare.key, "\(path).key") }
        let key = MemoryKey(compare.key)
        switch compare.condition {
        case .exists(let wanted): self = .exists(key, wanted)
        case .revisionEquals(let revision):
            faults.checkRevision(revision, "\(path).revision_equals")
            self = .revisionEquals(key, revision)
        case .revisionAtMost(let revision):
            faults.checkRevision(revision, "\(path).revision_at_most")
            self = .revisionAtMost(key, revision)
        case .versionEquals(let version):
            faults.checkRevision(version, "\(path).version_equals")
            self = .versionEquals(key, version)
        case .valueEquals(let value):
            faults.checkValue(value, "\(path).value_equals")
            self = .valueEquals(key, Coordination.Payload(orEmpty: value))
        case .fence(let message):
            guard let fence = faults.fence(message, "\(path).fence") else { return nil }
            self = .fence(fence)
        case nil:
            faults.check(false, "\(path).condition", "is required: set one of the conditions")
            return nil
        }
        if faults.faults.count > before { return nil }
    }
}

extension Coordination.MemoryOperation {
    /// Reads an operation off the wire; `nil` after its faults were noted.
    init?(_ operation: Messages.MemoryOperation, _ path: String, _ faults: inout FieldFaults) {
        let before = faults.faults.count
        switch operation.operation {
        case .put(let put):
            faults.checkKey(put.key, "\(path).put.key")
            faults.checkValue(put.value, "\(path).put.value")
            faults.checkTTL(put.ttlMillis, "\(path).put.ttl_millis")
            self = .put(
                MemoryKey(put.key), Coordination.Payload(orEmpty: put.value),
                ttlMillis: put.ttlMillis)
        case .delete(let delete):
            faults.checkKey(delete.key, "\(path).delete.key")
            self = .delete(MemoryKey(delete.key))
        case .get(let get):
            faults.checkKey(get.key, "\(path).get.key")
            self = .get(MemoryKey(get.key))
        case nil:
            faults.check(false, "\(path).operation", "is required: set put, delete or get")
            return nil
        }
        if faults.faults.count > before { return nil }
    }

    /// Reads half of a transaction.
    static func all(
        _ messages: [Messages.MemoryOperation], _ field: String, _ faults: inout FieldFaults
    ) -> [Coordination.MemoryOperation] {
        faults.check(
            messages.count <= 128, field,
            "has \(messages.count) operations; at most 128 are allowed")
        var written: Set<MemoryKey> = []
        var operations: [Coordination.MemoryOperation] = []
        for (index, message) in messages.prefix(128).enumerated() {
            let path = "\(field)[\(index)]"
            guard let operation = Self(message, path, &faults) else { continue }
            faults.check(
                !written.contains(operation.key), path,
                "comes after a put or delete of key \"\(operation.key)\"; each key is written once, "
                    + "and read before that")
            if operation.isWrite { written.insert(operation.key) }
            operations.append(operation)
        }
        return operations
    }
}
