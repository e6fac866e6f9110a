/// A value that nearly every owner leaves as it is by default: it costs one word until it is set.
///
/// Runs are held by the hundred thousand; what few of them use must not take room in all.
public struct Rare<Value: Sendable & Hashable & DefaultValued>: Sendable, Hashable {
    private final class Box: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private var box: Box?

    /// The default.
    public init() {}

    /// Whether it has its default.
    public var isDefault: Bool { box == nil }

    /// The value; setting it costs an allocation, unless it is the default.
    public var value: Value {
        get { box?.value ?? Value() }
        set { box = newValue == Value() ? nil : Box(newValue) }
    }

    /// Whether both hold the same.
    public static func == (a: Rare, b: Rare) -> Bool { a.box === b.box || a.value == b.value }

    public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

/// A type with one value that says nothing in particular.
public protocol DefaultValued {
    /// The default.
    init()
}
