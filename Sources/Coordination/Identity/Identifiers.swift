/// A claim on a shard, made durably each time a server starts. Later claims are larger.
///
/// The value is at least the last epoch plus one and at least the wall clock's seconds, so a
/// store restored from a backup does not reuse one.
public struct Epoch: Sendable, Hashable, Comparable {
    /// Seconds-sized counter, 1 to 2^31 - 1, so that identifiers built on it stay positive in SQL.
    public let rawValue: UInt32

    /// Wraps a value read from the store.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
}

/// An identifier that one engine makes without asking the store: its epoch, then a counter.
///
/// Ascending within a shard over restarts, so rows that live together are neighbours on disk.
public struct Serial: Sendable, Hashable, Comparable {
    /// Epoch in the upper 32 bits, counter in the lower 32.
    public let rawValue: UInt64

    /// Wraps a value read from the store or the wire.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The `counter`-th identifier of `epoch`.
    public init(epoch: Epoch, counter: UInt32) {
        rawValue = UInt64(epoch.rawValue) << 32 | UInt64(counter)
    }

    public static func < (a: Serial, b: Serial) -> Bool { a.rawValue < b.rawValue }
}

/// Names one workflow run for ever. Written as 16 lower-case hexadecimal digits.
public struct RunID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Unique in its shard.
    public let serial: Serial

    /// Wraps a serial made by the engine or read from the store.
    public init(serial: Serial) { self.serial = serial }

    /// Reads the 16-digit form; `nil` when `text` is anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
        serial = Serial(rawValue: value)
    }

    public var description: String {
        let digits = String(serial.rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    public static func < (a: RunID, b: RunID) -> Bool { a.serial < b.serial }
}

/// Names one stored payload. State and history hold these, never the bytes.
public struct PayloadID: Sendable, Hashable {
    /// Unique in its shard.
    public let serial: Serial

    /// Stands where nothing is stored, such as the output of a timer.
    public static let none = PayloadID(serial: Serial(rawValue: 0))

    /// Wraps a serial made by the engine or read from the store.
    public init(serial: Serial) { self.serial = serial }
}

/// Names one dispatch of work to an agent for ever; doubles as its fencing token, since it grows
/// with every dispatch, also over restarts.
public struct AssignmentToken: Sendable, Hashable, Comparable {
    /// Unique in its shard.
    public let serial: Serial

    /// Wraps a serial made by the engine or named by an agent.
    public init(serial: Serial) { self.serial = serial }

    public static func < (a: AssignmentToken, b: AssignmentToken) -> Bool { a.serial < b.serial }
}

/// The position of a commit in its shard's order, starting at 1 in each epoch. 0 means: nothing
/// uncommitted was seen.
public struct BatchNumber: Sendable, Hashable, Comparable {
    /// 1 for the first of an epoch.
    public let rawValue: UInt64

    /// Wraps a number counted by the engine.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What an answer carries that saw committed state only.
    public static let none = BatchNumber(rawValue: 0)

    /// The batch after this one.
    public var next: BatchNumber { BatchNumber(rawValue: rawValue + 1) }

    public static func < (a: BatchNumber, b: BatchNumber) -> Bool { a.rawValue < b.rawValue }
}

/// The unit of order and of keys: revision lines, locks, queues and breakers never span two.
/// 1 to 256 bytes of `[A-Za-z0-9._-]`.
public struct Namespace: Sendable, Hashable, CustomStringConvertible {
    /// As it was given.
    public let name: String

    /// Wraps a name that the edge has validated.
    public init(_ name: String) { self.name = name }

    /// What calls without a `cadre-namespace` header use.
    public static let `default` = Namespace("default")

    public var description: String { name }
}

/// Names one agent instance, unique among the living ones: `type/number` for in-process agents.
public struct AgentID: Sendable, Hashable, CustomStringConvertible {
    /// As its host gave it.
    public let name: String

    /// Wraps a name chosen by the host of the agent.
    public init(_ name: String) { self.name = name }

    public var description: String { name }
}
