import Coordination

/// One stored change of shared memory. The newest of a key is what the key holds.
///
/// Namespace, key and revision together name it.
public struct MemoryRow: Sendable, Hashable {
    /// The name: which key, and at which revision.
    public var namespace: String
    public var key: MemoryKey
    public var revision: Int64
    /// The revision of the change that it replaced; 0: the key held nothing. Kept as long as the
    /// change is in the window.
    public var previous: Int64
    /// The engine's encoding of what is known besides; opaque here.
    public var meta: [UInt8]
    /// What the key holds; `nil`: it was deleted.
    public var value: [UInt8]?

    /// Combines the columns.
    public init(
        namespace: String, key: MemoryKey, revision: Int64, previous: Int64 = 0, meta: [UInt8],
        value: [UInt8]?
    ) {
        self.namespace = namespace
        self.key = key
        self.revision = revision
        self.previous = previous
        self.meta = meta
        self.value = value
    }

    /// Bytes of key, encoding and value.
    var byteCount: Int { key.bytes.count + meta.count + (value?.count ?? 0) }
}

/// Leaves the changes of a namespace's window that are older than a revision behind: they are not
/// kept in the order of revisions any more. What still meant something among them is kept by key.
public struct MemorySettlement: Sendable, Hashable {
    /// Whose changes.
    public var namespace: String
    /// The first revision that stays in the window.
    public var below: Int64
    /// Changes that are what their keys still held, each the newest that is kept of its key by key.
    public var held: [MemoryRow]
    /// Keys that hold nothing: what is kept of them by key goes.
    public var gone: [MemoryKey]
    /// How many changes are kept of each key among `held`, the newest; 1 or more.
    public var keep: Int

    /// Combines the parts.
    public init(
        namespace: String, below: Int64, held: [MemoryRow], gone: [MemoryKey], keep: Int
    ) {
        self.namespace = namespace
        self.below = below
        self.held = held
        self.gone = gone
        self.keep = keep
    }

    /// Bytes of what is kept.
    var byteCount: Int { held.reduce(0) { $0 + $1.byteCount } }
}

/// Where a page of changes begins: behind a change of a revision, in the order of commits.
public struct MemoryPosition: Sendable, Hashable {
    /// The first revision that is wanted.
    public var revision: Int64
    /// How many of the revision's changes come before.
    public var offset: Int

    /// Combines the parts.
    public init(revision: Int64, offset: Int = 0) {
        self.revision = revision
        self.offset = offset
    }
}

/// A read of shared memory: one page, as one transaction.
public struct MemoryQuery: Sendable {
    /// What is read.
    public enum Kind: Sendable {
        /// Changes in the window, in the order of revisions; with `previous` each with the one of its key before.
        case changes(MemoryScope, from: MemoryPosition, previous: Bool)
        /// Changes of one key, newest first, before a revision.
        case history(MemoryKey, before: Int64)
    }

    /// Where, and what.
    public var namespace: String
    public var kind: Kind
    /// Rows, 1 or more.
    public var limit: Int
    /// The page ends with the row that passes this; it has at least one row.
    public var maxBytes: Int
    /// Whether values are left out.
    public var keysOnly: Bool

    /// Combines the parts.
    public init(
        namespace: String, _ kind: Kind, limit: Int, maxBytes: Int = 3 << 20,
        keysOnly: Bool = false
    ) {
        self.namespace = namespace
        self.kind = kind
        self.limit = limit
        self.maxBytes = maxBytes
        self.keysOnly = keysOnly
    }
}

/// A page of shared memory.
public struct MemoryPage: Sendable {
    /// In the order that was asked for.
    public var rows: [MemoryRow] = []
    /// For changes: the one of the key before each row, if it was asked for and is still kept.
    public var previous: [MemoryRow?] = []
    /// Where the next page of changes begins.
    public var next: MemoryPosition?
    /// Whether nothing follows.
    public var isLast = true
    /// The stored state of the namespace's revision line in the same transaction; `nil`: nothing was
    /// ever written.
    public var line: [UInt8]?

    /// An empty last page.
    public init() {}
}
