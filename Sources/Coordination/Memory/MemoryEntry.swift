/// What a key of shared memory holds. Never changes: a write makes another one.
///
/// An object, as it goes from the namespace to the change, to the rows and to the answer: as a value
/// its four buffers would be counted at each of these steps.
public final class MemoryEntry: Sendable, Hashable {
    /// The key, and what it holds.
    public let key: MemoryKey
    public let value: Payload
    /// The revision that wrote it.
    public let revision: Int64
    /// The revision that made it.
    public let createdRevision: Int64
    /// How often it was written since it was made, 1 or more.
    public let version: Int64
    /// Wall clock, milliseconds since 1970.
    public let createdMillis: Int64
    public let updatedMillis: Int64
    /// Who wrote it last.
    public let actor: String
    /// When it is deleted by itself, milliseconds since 1970; 0: never.
    public let expiresMillis: Int64

    /// Combines the parts.
    public init(
        key: MemoryKey, value: Payload, revision: Int64, createdRevision: Int64, version: Int64,
        createdMillis: Int64, updatedMillis: Int64, actor: String, expiresMillis: Int64 = 0
    ) {
        self.key = key
        self.value = value
        self.revision = revision
        self.createdRevision = createdRevision
        self.version = version
        self.createdMillis = createdMillis
        self.updatedMillis = updatedMillis
        self.actor = actor
        self.expiresMillis = expiresMillis
    }

    /// What is left of it once it is deleted: its beginning and version, but no value.
    func deleted(revision: Int64, atMillis: Int64, by actor: String) -> MemoryEntry {
        MemoryEntry(
            key: key, value: Payload(bytes: []), revision: revision,
            createdRevision: createdRevision, version: version, createdMillis: createdMillis,
            updatedMillis: atMillis, actor: actor)
    }

    /// About how much memory it takes.
    public var weight: Int {
        key.bytes.count + value.bytes.count + actor.utf8.count + Self.overhead
    }

    /// What an entry costs besides its bytes.
    static let overhead = 160

    /// Whether all parts are equal.
    public static func == (a: MemoryEntry, b: MemoryEntry) -> Bool {
        a === b
            || a.revision == b.revision && a.createdRevision == b.createdRevision
                && a.version == b.version && a.createdMillis == b.createdMillis
                && a.updatedMillis == b.updatedMillis && a.expiresMillis == b.expiresMillis
                && a.key == b.key && a.value == b.value && a.actor == b.actor
    }

    /// By what tells entries of a namespace apart.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(revision)
    }
}

/// One change of one key.
public struct MemoryChange: Sendable, Hashable {
    /// What happened. The numbers are stored.
    public enum Kind: UInt8, Sendable, Hashable {
        case put = 1
        case deleted = 2
        /// Deleted because its time to live was over.
        case expired = 3
    }

    /// What happened.
    public var kind: Kind
    /// What the key holds after a put. After a deletion: the revision and time of that, who did it,
    /// and the entry's own beginning and version; no value.
    public var entry: MemoryEntry
    /// What the key held before, if it is known and was asked for.
    public var previous: MemoryEntry?

    /// Combines the parts.
    public init(kind: Kind, entry: MemoryEntry, previous: MemoryEntry? = nil) {
        self.kind = kind
        self.entry = entry
        self.previous = previous
    }

    /// Whether the key held something before, whether or not ``previous`` has it.
    public var hadPrevious: Bool { kind != .put || entry.version > 1 }
}
