/// A number that goes up and down: queue lengths, open calls, sizes.
///
/// Any thread may change it; one atomic operation, no lock, no allocation. For numbers that
/// already stand somewhere else, use ``MetricsRegistry/collectedGauge(name:help:unit:read:)``.
public final class Gauge: Sendable {
    private let current = AtomicDouble()

    /// A gauge at zero. Families make them; one made by hand is not rendered.
    public init() {}

    /// Sets the number.
    public func set(_ value: Double) { current.set(value) }

    /// Sets a whole number; exact up to 2^53.
    public func set(_ value: Int) { current.set(Double(value)) }

    /// Adds an amount, which may be negative; 1 unless given.
    public func add(_ amount: Double = 1) { current.add(amount) }

    /// Takes an amount away, 1 unless given.
    public func subtract(_ amount: Double = 1) { current.add(-amount) }

    /// The number now.
    public var value: Double { current.value }
}
