import Coordination

/// One stored thing that is neither a run nor a definition, such as a breaker or a schedule.
///
/// Shard, kind, namespace and key together name it.
public struct EntityRow: Sendable, Hashable {
    /// What it is; the number of an ``EntityKind``.
    public var kind: UInt8
    /// With `key` its name; empty for what belongs to the whole shard.
    public var namespace: String
    /// Unique among those of a kind and namespace.
    public var key: String
    /// The engine's encoding, format version first; `nil` deletes the entity. Never `nil` in what
    /// the store gives back.
    public var blob: [UInt8]?

    /// Combines the columns.
    public init(kind: EntityKind, namespace: String, key: String, blob: [UInt8]?) {
        self.kind = kind.rawValue
        self.namespace = namespace
        self.key = key
        self.blob = blob
    }

    /// Its kind.
    public var entityKind: EntityKind { EntityKind(rawValue: kind) }
}
